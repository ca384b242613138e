// A process that takes a piece of work and never ends it, for queue.test.ts to kill.
import { createBullQueue } from "../../relayer/queue/bull.ts";

const queue = await createBullQueue(
  {
    work: {
      ...{ concurrency: 1, sweepMs: 50, find: async () => ["piece"] },
      run: () => new Promise<void>(() => process.send!("begun")),
    },
  },
  { redisUrl: process.env["VICTIM_REDIS"]!, prefix: process.env["VICTIM_PREFIX"]!, lockMs: 500 },
);
void queue;
