// SPDX-License-Identifier: MIT
// Everything that is done to the relayers, one after the other, each lifted again by this program.
import { parseEther } from "ethers";
import type { PostgresServer } from "../test/support/postgres.ts";
import type { RedisServer } from "../test/support/redis.ts";
import type { ChaosChain } from "./chain.ts";
import type { SmallDisk } from "./disk.ts";
import { killAt, killPoints } from "./kills.ts";
import { lies, outages, standingStill, type Disturbance } from "./lies.ts";
import { ready, type Supervised } from "./relayers.ts";

export interface Setting {
  chain: ChaosChain;
  relayers: Supervised[];
  worker?: Supervised | undefined;
  redis: RedisServer;
  postgres: PostgresServer;
  disk: SmallDisk;
  sender: string;
  /** A number below 1, of the seed. */
  random: () => number;
  /** Changes of the sender's balance that were no transaction. */
  granted: { total: bigint };
}

export interface Step {
  name: string;
  /** Part of the short profile. */
  short: boolean;
  /** Does it, and undoes it. */
  run(setting: Setting): Promise<void>;
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const DISTURBED_MS = 3_000;
const STILL_MS = 7_000;
const LATE_MS = 3_000;
const PATIENCE_MS = 180_000;
const HOUR = 3_600;
/** Blocks after which what was done to a balance outlives every reorganisation here. */
const SAFE_BLOCKS = 7;

async function until(reached: () => Promise<boolean>, what: string): Promise<void> {
  const end = Date.now() + PATIENCE_MS;
  while (!(await reached().catch(() => false))) {
    if (Date.now() > end) throw new Error(`${what} did not come in ${PATIENCE_MS} ms`);
    await sleep(50);
  }
}

/** Waits for so many more blocks. */
async function blocks({ chain }: Setting, count: number): Promise<void> {
  const from = await chain.head();
  await until(async () => (await chain.head()) >= from + count, "the next block");
}

/**
 * Takes back the newest blocks, once one of them holds a call of the relayers.
 * @param seen Blocks that come on top of that call before: the relayers have looked at it then.
 */
async function reorganise(setting: Setting, depth: number, seen = 0): Promise<void> {
  const { chain, sender } = setting;
  const sent = async (block: string): Promise<number> =>
    Number(await chain.rpc.request<string>("eth_getTransactionCount", [sender, block]));
  await until(async () => {
    const head = await chain.head();
    return (await sent("latest")) > (await sent(`0x${(head - depth + seen).toString(16)}`));
  }, "a call to reorganise away");
  if (seen > 0) await blocks(setting, seen);
  await chain.reorganise(depth);
}

/** One node of each relayer, or all, misbehave for a while, and until somebody has met it. */
async function disturb(
  { relayers, random }: Setting,
  { nodes, rule }: Disturbance,
  meanwhile: () => Promise<void> = () => sleep(DISTURBED_MS),
): Promise<void> {
  const liar = random() < 0.5 ? 0 : 1;
  let met = 0;
  for (const relayer of relayers)
    relayer.rule = (call, endpoint) => {
      const fault = nodes === 2 || endpoint === liar ? rule(call) : undefined;
      if (fault) met++;
      return fault;
    };
  try {
    await meanwhile();
    await until(async () => met > 0, "a call to disturb");
  } finally {
    for (const relayer of relayers) relayer.rule = () => undefined;
  }
}

const named = (name: string): Disturbance => [...outages, ...lies].find((one) => one.name === name)!;

const kills: Step[] = killPoints.map((point) => ({
  name: `SIGKILL ${point}`,
  short: true,
  run: ({ relayers }) => killAt(point, relayers, PATIENCE_MS),
}));

const disturbances: Step[] = [...outages, ...lies].map((one) => ({
  name: one.name,
  short: ["RPC: all nodes hang", "lie: a forged receipt", "lie: taken, and thrown away"].includes(one.name),
  async run(setting) {
    // A node's chain id is asked once, after a start.
    if (one.name.includes("chain id")) for (const relayer of setting.relayers) relayer.kill();
    await disturb(setting, one);
  },
}));

const reorganisations: Step[] = [1, 2, 3, 4, 5].map((depth) => ({
  name: `reorganisation of depth ${depth}`,
  short: depth === 2,
  run: (setting) => reorganise(setting, depth),
}));

const others: Step[] = [
  {
    name: "SIGKILL of both relayers and the worker",
    short: true,
    async run({ relayers, worker }) {
      for (const one of [...relayers, ...(worker ? [worker] : [])]) one.kill();
    },
  },
  {
    name: "Redis wiped",
    short: true,
    run: async ({ redis }) => void (await redis.say("FLUSHALL")),
  },
  {
    name: "Redis killed",
    short: true,
    async run({ redis }) {
      await redis.stop();
      await sleep(DISTURBED_MS);
      await redis.start();
    },
  },
  {
    name: "PostgreSQL killed",
    short: true,
    async run({ postgres }) {
      await postgres.kill();
      await sleep(1_500);
      await postgres.start();
    },
  },
  {
    name: "head too high, and a reorganisation of depth 5",
    short: true,
    run: (setting) => disturb(setting, named("lie: a head too high"), () => reorganise(setting, 5, 2)),
  },
  {
    name: "RPC: all nodes stand still",
    short: true,
    // For longer than a call waits before it is replaced.
    run: (setting) => disturb(setting, standingStill(), () => sleep(STILL_MS)),
  },
  {
    name: "RPC: sends are cut, and arrive later",
    short: true,
    // Nobody knows of them when they are looked up first, and they come all the same.
    run: (setting) =>
      disturb(
        setting,
        {
          ...{ name: "late", nodes: 2 },
          rule({ method, params }) {
            if (method !== "eth_sendRawTransaction") return undefined;
            setTimeout(() => void setting.chain.rpc.request(method, params).catch(() => undefined), LATE_MS);
            return { kind: "drop" };
          },
        },
        () => sleep(DISTURBED_MS + LATE_MS),
      ),
  },
  {
    name: "SIGKILL of both in a reorganisation",
    short: false,
    async run(setting) {
      await reorganise(setting, 4);
      for (const relayer of setting.relayers) relayer.kill();
    },
  },
  {
    name: "Redis and all RPC away at once",
    short: false,
    async run(setting) {
      await setting.redis.stop();
      await disturb(setting, named("RPC: all answer HTTP 500"));
      await setting.redis.start();
    },
  },
  {
    name: "empty wallet",
    short: true,
    async run(setting) {
      const { chain, relayers, sender, granted } = setting;
      granted.total += await chain.setBalance(sender, 0n);
      let sends = 0;
      for (const relayer of relayers)
        relayer.rule = ({ method }) => {
          if (method === "eth_sendRawTransaction") sends++;
          return undefined;
        };
      await sleep(DISTURBED_MS);
      await until(async () => sends > 0, "a send without money");
      granted.total += await chain.setBalance(sender, parseEther("100"));
      await blocks(setting, SAFE_BLOCKS);
    },
  },
  {
    name: "disk of published leaves full",
    short: true,
    async run({ disk }) {
      disk.fill();
      await sleep(DISTURBED_MS);
      disk.free();
    },
  },
  {
    name: "chain's clock jumps 20 minutes ahead",
    short: false,
    run: async ({ chain }) => {
      await chain.moveClock(1_200);
      await sleep(1_500);
    },
  },
  ...[HOUR, -HOUR].map((seconds) => ({
    name: `one relayer's clock an hour ${seconds > 0 ? "ahead" : "behind"}, and back`,
    short: seconds > 0,
    async run(setting: Setting) {
      const [relayer] = setting.relayers;
      relayer!.setClock(seconds);
      // Something fails meanwhile, so that pauses are written down by the wrong clock.
      await disturb(setting, named("RPC: all answer HTTP 500"), () => sleep(2_000));
      await sleep(2_000);
      relayer!.setClock(0);
    },
  })),
];

/** All faults there are. */
export const steps: Step[] = [...kills, ...others, ...reorganisations, ...disturbances];

/** Those that are about nonces and lost answers: what two ledgers with one key can go wrong in. */
export const forTwoLedgers = steps.filter(({ name }) =>
  /^SIGKILL|depth [35]$|cut the line|nonce too low|thrown away|Redis wiped|all nodes hang|arrive later/.test(name),
);

/** All steps in an order of the seed. */
export function shuffled(list: readonly Step[], random: () => number): Step[] {
  const left = [...list];
  const order: Step[] = [];
  while (left.length > 0) order.push(...left.splice(Math.floor(random() * left.length), 1));
  return order;
}

/** Resolves when both relayers answer that they can work. */
export const allReady = ({ relayers }: Pick<Setting, "relayers">): Promise<unknown> =>
  Promise.all(relayers.map((relayer) => ready(relayer)));
