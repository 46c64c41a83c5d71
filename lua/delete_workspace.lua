--[[
  delete_workspace: make a Workspace unreachable at once, and leave its keys to the matchers.

  Why a script: from one step on nothing finds the Workspace any more and every script that still knows its number is
  refused, while its million keys are deleted by and by (reap_workspace).

  KEYS[1] root    beginning of the Workspace's keys; from it is built
            ws            hash    account is removed, version and seq rise
  KEYS[2] shard   beginning of the shard's keys; from it are built
            directory     hash    Workspace SID -> number
            owned:<AC>    zset    Workspace SID -> ms of its creation
            events        stream  one entry a transition
            inbox         stream  work for matchers
  ARGV[1] account  SID of the owner
  ARGV[2] sid      SID of the Workspace
  ARGV[3] now_ms   integer, ms since the epoch; '' reads the server's clock

  Returns {status}
  Status  OK; NOT_FOUND (deleted before, or another account's)
  Cost    O(log N) for N Workspaces of the account. Writes nothing unless the status is OK.
]]
--@include lib/keys.lua
--@include lib/events.lua
local account, sid = ARGV[1], ARGV[2]
set_clock(ARGV[3])

if call('HGET', root .. 'ws', 'account') ~= account then return {NOT_FOUND} end

open_workspace()
call('HDEL', shard .. 'directory', sid)
call('ZREM', shard .. 'owned:' .. account, sid)
call('HDEL', root .. 'ws', 'account')
call('HINCRBY', root .. 'ws', 'version', 1)
tell('workspace.deleted', sid)
publish()
call('XADD', shard .. 'inbox', '*', 'k', 'reap', 'w', string.match(root, ':(%d+):$'))
return {OK}
