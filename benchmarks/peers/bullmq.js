// BullMQ: a queue and a worker in one process. See __init__.py.
"use strict";

const IORedis = require("ioredis");
const { Queue, Worker } = require("bullmq");

const [socket, jobsText, windowText] = process.argv.slice(2);
const jobs = Number(jobsText);
const window = Number(windowText);
const name = `bench-${process.pid}`;

const connect = () => new IORedis({ path: socket, maxRetriesPerRequest: null });

async function serverCpuUs(redis) {
  const text = await redis.info("cpu");
  const of = (field) => Number(new RegExp(`${field}:([0-9.]+)`).exec(text)[1]);
  return (of("used_cpu_user") + of("used_cpu_sys")) * 1e6;
}

async function main() {
  const redis = connect();
  const queue = new Queue(name, { connection: connect() });
  let [left, finished] = [0, () => {}];
  const worker = new Worker(name, async () => {}, { connection: connect(), concurrency: window });
  worker.on("completed", () => {
    left -= 1;
    if (left === 0) finished();
  });
  await worker.waitUntilReady();

  const run = async (count) => {
    let next = 0;
    left = count;
    const done = new Promise((resolve) => (finished = resolve));
    const put = async () => {
      while (next < count) {
        next += 1;
        await queue.add("job", { index: next, note: "x".repeat(150) }, { removeOnComplete: true });
      }
    };
    await Promise.all(Array.from({ length: window }, put));
    await done;
  };

  await run(Math.ceil(jobs / 10));
  const before = await serverCpuUs(redis);
  const began = process.hrtime.bigint();
  await run(jobs);
  const seconds = Number(process.hrtime.bigint() - began) / 1e9;
  const used = (await serverCpuUs(redis)) - before;
  const version = require("bullmq/package.json").version;
  console.log(JSON.stringify({ per_s: jobs / seconds, redis_cpu_us: used / jobs, version }));
  await worker.close();
  await queue.obliterate({ force: true });
  await queue.close();
  redis.disconnect();
  process.exit(0);
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
