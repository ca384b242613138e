// SPDX-License-Identifier: MIT
import type Bull from "bull";
import { QueueError } from "./errors.ts";

const LATE = Symbol("late");

/** What comes of it in time. What it is waiting for goes on. */
async function within<T>(work: Promise<T>, patienceMs: number): Promise<T | typeof LATE> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<typeof LATE>((resolve) => {
    timer = setTimeout(() => resolve(LATE), patienceMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Whether Redis answers in time, and keeps what it is given: an evicted job would be lost work until the next sweep
 * [FM]. The client goes on connecting by itself; without this limit each command to a Redis that never was there would
 * wait for minutes.
 * @throws {QueueError} `redis_evicts`
 */
export async function answers({ client }: Bull.Queue, patienceMs: number): Promise<boolean> {
  if (client.status !== "ready") {
    const connected = new Promise<void>((resolve) => client.once("ready", resolve));
    if ((await within(connected, patienceMs)) === LATE) return false;
  }
  // A hosted Redis may not tell; its operator was told in the manual.
  const asked = (client.config("GET", "maxmemory-policy") as Promise<string[]>).then(
    (answer) => answer[1],
    () => undefined,
  );
  const policy = await within(asked, patienceMs);
  if (policy === LATE) return false;
  if (policy !== undefined && policy !== "noeviction")
    throw new QueueError("redis_evicts", `Redis evicts keys (maxmemory-policy ${policy}); set it to noeviction`);
  return client.status === "ready";
}
