// The original's Node client against a server: a Task's life, pages, conditions, errors, retries.
//
// Reads TRUNKLINE_URL, TRUNKLINE_ACCOUNT_SID, TRUNKLINE_AUTH_TOKEN and TRUNKLINE_TOO_MANY (the body of a 429).
// Prints one JSON object: for each step "ok", or what went wrong. A step uses what the steps before it made.
"use strict";

const assert = require("node:assert/strict");
const http = require("node:http");
const twilio = require("twilio");

const { TRUNKLINE_URL, TRUNKLINE_ACCOUNT_SID, TRUNKLINE_AUTH_TOKEN, TRUNKLINE_TOO_MANY } = process.env;
const PATIENCE_MS = 10_000; // for the matcher; it needs about 5 ms

function clientOf(url, options, token = TRUNKLINE_AUTH_TOKEN) {
  const client = twilio(TRUNKLINE_ACCOUNT_SID, token, options);
  client.taskrouter.baseUrl = url;
  return client;
}

const client = clientOf(TRUNKLINE_URL, {});
const made = {}; // what the steps share

async function until(look) {
  const end = Date.now() + PATIENCE_MS;
  while (Date.now() < end) {
    const found = await look();
    if (found) return found;
  }
  throw new Error("it did not happen in time");
}

// Release 6.2.0: a record that a create or a list answered does not know its own SID when it is called, so calls go
// through the context that its SID gives.
async function offerOf(task) {
  const reservations = made.inside.tasks(task.sid).reservations;
  const found = await until(async () => (await reservations.list({ limit: 1 }))[0]);
  return reservations(found.sid);
}

const steps = {
  async create() {
    made.workspace = await client.taskrouter.v1.workspaces.create({ friendlyName: "Node", template: "NONE" });
    assert.match(made.workspace.sid, /^WS[0-9a-f]{32}$/);
    assert.ok(made.workspace.dateCreated instanceof Date);
    const inside = (made.inside = client.taskrouter.v1.workspaces(made.workspace.sid));
    const available = (await inside.activities.list()).find((activity) => activity.available);
    made.queue = await inside.taskQueues.create({ friendlyName: "All", targetWorkers: "level > 1" });
    const document = { task_routing: { default_filter: { queue: made.queue.sid } } };
    made.workflow = await inside.workflows.create({ friendlyName: "Flow", configuration: JSON.stringify(document) });
    assert.deepEqual(JSON.parse(made.workflow.configuration), document);
    made.worker = await inside.workers.create({
      friendlyName: "Ann",
      activitySid: available.sid,
      attributes: JSON.stringify({ level: 2 }),
    });
    assert.equal(made.worker.available, true);
    assert.equal(made.worker.links.reservations, `${made.worker.url}/Reservations`);
  },

  async life() {
    const task = (made.task = await made.inside.tasks.create({
      workflowSid: made.workflow.sid,
      attributes: JSON.stringify({ topic: "refund" }),
      priority: 4,
      virtualStartTime: new Date("2024-01-02T03:04:05Z"),
    }));
    assert.equal(task.assignmentStatus, "pending");
    assert.equal(task.virtualStartTime.toISOString(), "2024-01-02T03:04:05.000Z");
    const offer = await offerOf(task);
    const seen = await offer.fetch();
    assert.deepEqual([seen.reservationStatus, seen.workerSid], ["pending", made.worker.sid]);
    assert.equal((await offer.update({ reservationStatus: "accepted" })).reservationStatus, "accepted");
    assert.equal((await made.inside.tasks(task.sid).fetch()).assignmentStatus, "assigned");
    const mine = made.inside.workers(made.worker.sid).reservations(seen.sid);
    assert.equal((await mine.update({ reservationStatus: "completed" })).reservationStatus, "completed");
    const ended = await made.inside.tasks(task.sid).fetch();
    assert.deepEqual([ended.assignmentStatus, ended.priority], ["completed", 4]);
  },

  async pages() {
    const tasks = made.inside.tasks;
    const sids = [];
    for (let n = 0; n < 5; n += 1) sids.push((await tasks.create({ priority: n })).sid);
    const all = [made.task.sid, ...sids];
    assert.deepEqual((await tasks.list({ pageSize: 2 })).map((task) => task.sid), all);
    assert.deepEqual((await tasks.list({ limit: 3 })).map((task) => task.sid), all.slice(0, 3));
    const seen = [];
    await tasks.each({ pageSize: 4, callback: (task) => seen.push(task.sid) });
    assert.deepEqual(seen, all);
    const first = await tasks.page({ pageSize: 4 });
    const second = await first.nextPage();
    assert.deepEqual(second.instances.map((task) => task.sid), all.slice(4));
    assert.equal(await second.nextPage(), undefined);
    assert.deepEqual((await second.previousPage()).instances.map((task) => task.sid), all.slice(0, 4));
    assert.deepEqual((await tasks.getPage(first.nextPageUrl)).instances.map((task) => task.sid), all.slice(4));
    const chosen = await tasks.list({ assignmentStatus: ["completed", "canceled"] });
    assert.deepEqual(chosen.map((task) => task.sid), [made.task.sid]);
  },

  async conditionalDelete() {
    const task = made.inside.tasks(made.task.sid);
    const seen = await task.fetchWithHttpInfo();
    const revision = seen.headers.etag.replaceAll('"', "");
    await assert.rejects(task.remove({ ifMatch: "999" }), { status: 412, code: 20412 });
    assert.equal((await task.fetch()).sid, made.task.sid);
    assert.equal(await task.remove({ ifMatch: revision }), true);
    await assert.rejects(task.fetch(), { status: 404, code: 20404 });
    const worker = made.inside.workers(made.worker.sid);
    await assert.rejects(worker.update({ ifMatch: "999", friendlyName: "Bo" }), { status: 412, code: 20412 });
    assert.equal((await worker.fetch()).friendlyName, "Ann");
  },

  async removedIsTold() {
    const task = await made.inside.tasks.create({});
    const answer = await made.inside.tasks(task.sid).removeWithHttpInfo();
    assert.deepEqual([answer.statusCode, answer.body], [204, true]);
  },

  async errors() {
    const absent = made.inside.tasks("WT" + "0".repeat(32));
    const error = await absent.fetch().then(() => assert.fail("it was found"), (raised) => raised);
    assert.deepEqual([error.status, error.code], [404, 20404]);
    assert.equal(error.moreInfo, "https://www.twilio.com/docs/errors/20404");
    assert.match(error.message, /^The requested resource \/Workspaces\/WS\w+\/Tasks\/WT0+ was not found$/);
    const wrong = made.inside.tasks.create({ attributes: "[]" });
    await assert.rejects(wrong, { status: 400, code: 20001, message: /^Attributes: / });
    await assert.rejects(made.inside.tasks.list({ ordering: "Colour:asc" }), { status: 400, code: 20001 });
    const stranger = clientOf(TRUNKLINE_URL, {}, "wrong-token");
    await assert.rejects(stranger.taskrouter.v1.workspaces.list(), { status: 401, code: 20003 });
  },

  // The client tries again after a 429, without being told when; a POST too.
  async retries() {
    const proxy = await refusing(3);
    try {
      const patient = clientOf(proxy.url, { autoRetry: true, maxRetries: 5 });
      const task = await patient.taskrouter.v1.workspaces(made.workspace.sid).tasks.create({ priority: 9 });
      assert.equal(task.priority, 9);
      assert.equal(proxy.refused(), 3);
      assert.equal((await made.inside.tasks.list({ priority: 9 })).length, 1);
    } finally {
      proxy.close();
    }
    const strict = await refusing(1);
    try {
      const once = clientOf(strict.url, {});
      await assert.rejects(once.taskrouter.v1.workspaces.list(), { status: 429, code: 20429 });
    } finally {
      strict.close();
    }
  },

  async remove() {
    assert.equal(await made.inside.remove(), true);
    await assert.rejects(made.inside.fetch(), { status: 404, code: 20404 });
  },
};

// A server that answers the first requests with 429 and hands the others on.
async function refusing(times) {
  let refused = 0;
  const server = http.createServer((request, response) => {
    if (refused < times) {
      refused += 1;
      request.resume();
      response.writeHead(429, { "content-type": "application/json", "retry-after": "1" });
      response.end(TRUNKLINE_TOO_MANY);
      return;
    }
    const to = new URL(request.url, TRUNKLINE_URL);
    const onward = http.request(to, { method: request.method, headers: request.headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    request.pipe(onward);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${server.address().port}`;
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  return { url, refused: () => refused, close };
}

async function main() {
  const report = {};
  for (const [name, step] of Object.entries(steps)) {
    try {
      await step();
      report[name] = "ok";
    } catch (error) {
      report[name] = error.stack || String(error);
    }
  }
  process.stdout.write(JSON.stringify(report));
}

main();
