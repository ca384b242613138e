import { join } from "node:path";
import { expect } from "chai";
import { Chain } from "../testing/chain.ts";
import { handledEvents, templateEvents } from "../testing/defaults.ts";
import { startNode, type RunningNode } from "../testing/gnd.ts";
import { account, DAY, join as register, Scenario, word } from "../testing/scenario.ts";
import { together, type Story } from "../testing/story.ts";
import { longRun } from "./longRun.ts";
import { fees } from "./fees.ts";
import { governance } from "./governance.ts";
import { money } from "./money.ts";
import { people } from "./people.ts";
import { models } from "./models.ts";
import { orphans } from "./orphans.ts";
import { settlement } from "./settlement.ts";
import { stake } from "./stake.ts";
import { twins } from "./twins.ts";

/** Stories in which every event means something, and then those that only ask what no event may do. */
const MEANT: readonly Story[] = [
  settlement,
  together("registries", people, models),
  together("money", money, fees),
  together("power", stake, governance, twins),
];
const STORIES: readonly Story[] = [...MEANT, longRun(20261121, 180), orphans];
/** One more, for what is taken back. */
const REORGANISED = STORIES.length;

const chain = new Chain(1_790_000_000);
/** Rows in one order: events of one block have none that a query can ask for. Lists of plain values keep theirs. */
function inOneOrder(value: unknown): unknown {
  if (Array.isArray(value)) {
    const rows = value.map(inOneOrder);
    const text = (row: unknown): string => JSON.stringify(row);
    return rows.some((row) => typeof row !== "object") ? rows : rows.sort((a, b) => (text(a) < text(b) ? -1 : 1));
  }
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, inOneOrder(inner)]),
  );
}

let meant: ReadonlySet<string> = new Set();
const told = STORIES.map((story, number) => {
  const scenario = new Scenario(chain, number);
  const checks = story.write(scenario);
  if (number === MEANT.length - 1) meant = new Set(chain.emitted);
  return { ...story, scenario, checks };
});
const last = new Scenario(chain, REORGANISED);
const key = register(last, 1, account("operator"), "key").key;
const batch = (name: string, count: number, seconds = 12): number =>
  last.emit("InferenceRegistry", "BatchSettled", { digest: word(name), keyId: key, mode: 0, count }, seconds);
// Whatever is open by hour or day is closed.
batch("first", 10, 2 * DAY);

describe("the subgraph in graph-node, over an invented chain", function () {
  this.timeout(1_800_000);
  let node: RunningNode;

  before(async () => {
    const addresses = [...told.map(({ scenario }) => scenario.addressOf), last.addressOf];
    node = await startNode(chain, addresses, join(import.meta.dirname, "../../.cache/gnd.log"));
    await node.synced();
  });
  after(async () => node.stop());

  it("was told every event that any contract has, but for those that contracts.ts says why not", () => {
    const all = [...handledEvents(), ...templateEvents()].map(({ contract, event }) => `${contract}.${event}`);
    expect(all.filter((name) => !meant.has(name))).to.deep.equal([]);
    expect(all.length).to.be.greaterThan(120);
  });

  for (const [number, { title, checks }] of told.entries())
    describe(title, () => {
      for (const { what, query, expected } of checks)
        it(what, async () => {
          expect(inOneOrder(await node.query(number, query))).to.deep.equal(inOneOrder(expected));
        });
    });

  describe("a chain that reorganises", () => {
    const asked = `{ protocol(id: "0x01") { batches receipts } batches(orderBy: count) { count }
      concentrations(where: { role: INFERENCE, day: null }) { total members amounts } }`;
    const found = (counts: number[]): object => {
      const sum = counts.reduce((a, b) => a + b, 0);
      return {
        protocol: { batches: String(counts.length), receipts: String(sum) },
        batches: counts.map((count) => ({ count })),
        concentrations: [{ total: String(sum), members: "1", amounts: [String(sum)] }],
      };
    };

    it("forgets batches of blocks that are no longer part of it, and takes those that are", async () => {
      const fork = chain.blocks.length;
      batch("second", 20);
      batch("third", 30);
      await node.synced();
      expect(await node.query(REORGANISED, asked)).to.deep.equal(found([10, 20, 30]));
      chain.rewind(fork);
      batch("other", 25);
      batch("third", 40);
      batch("fourth", 50);
      await node.synced();
      expect(await node.query(REORGANISED, asked)).to.deep.equal(found([10, 25, 40, 50]));
    });
  });
});
