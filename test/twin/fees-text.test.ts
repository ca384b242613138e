import { expect } from "chai";
import type { FeesKnowledge, FeesReading } from "../../relayer/twin/fees.ts";
import { chainTime, eventToWire } from "../../relayer/twin/wire.ts";
import { duration, plainReason, screen, sentence } from "../../tasks/twin-fees/text.ts";
import { jsonLines, textLines } from "../../tasks/twin-fees/watch.ts";
import { fee, NOON, reading, tenths } from "./fees-readings.ts";
import { NOTICE } from "./fees-support.ts";

const place = { market: "0x5FbDB2315678afecb367f032d93F642f64180aa3", chainId: 8453 };
const DUE = NOON + NOTICE;

describe("twin:fees in words", () => {
  const known = (of: FeesReading, unknownSince: number | null = null): FeesKnowledge => {
    const at = of.block.timestamp * 1_000;
    return { last: { reading: of, seenAt: at, readAt: at }, unknownSince };
  };
  const shown = (knowledge: FeesKnowledge, now: number, happened?: string[]) =>
    screen(knowledge, place, now * 1_000, happened).join("\n");

  it("says what trades pay, and for how long nobody can change that", () => {
    expect(shown(known(reading(1_234, NOON, fee(20))), NOON + 3)).to.equal(`\
Trading fees of the key market 0x5FbDB2315678afecb367f032d93F642f64180aa3 on chain 8453
As of block 1234, 2026-11-21 12:40:05 UTC

No increase is announced. Trades before 2026-11-23 12:40:05 UTC pay these fees or less, whatever is decided from now on.

                                     now   announced   can never be above
Protocol fee (to the market)          2%           –                   5%
Subject fee (to the twin's owner)   2.5%           –                   5%
Both together                       4.5%           –                  10%

Keys priced at 1 ETH            now
Buying them costs you     1.045 ETH
Selling them brings you   0.955 ETH`);
  });

  it("warns of increases, with countdowns and what they cost", () => {
    const both = reading(1_234, NOON, fee(20, [40, DUE - 100]), fee(25, [50, DUE]));
    expect(shown(known(both), NOON + 3)).to.equal(`\
Trading fees of the key market 0x5FbDB2315678afecb367f032d93F642f64180aa3 on chain 8453
As of block 1234, 2026-11-21 12:40:05 UTC

WARNING: the protocol fee goes up from 2% to 4% on 2026-11-23 12:38:25 UTC, in 1 day 23 h 58 min 17 s.
WARNING: the subject fee goes up from 2.5% to 5% on 2026-11-23 12:40:05 UTC, in 1 day 23 h 59 min 57 s.
Until then trades pay the present fees or less. An increase may still be called off.

                                     now   announced   can never be above
Protocol fee (to the market)          2%          4%                   5%
Subject fee (to the twin's owner)   2.5%          5%                   5%
Both together                       4.5%          9%                  10%

Keys priced at 1 ETH            now   from 2026-11-23 12:38:25 UTC   from 2026-11-23 12:40:05 UTC
Buying them costs you     1.045 ETH                      1.065 ETH                       1.09 ETH
Selling them brings you   0.955 ETH                      0.935 ETH                       0.91 ETH`);
    expect(shown(known(reading(9, NOON, fee(20, [40, NOON + 5]))), NOON + 5)).to.contain(
      "WARNING: the protocol fee goes up from 2% to 4% with the next block.",
    );
  });

  it("marks old values as old, and promises nothing of them", () => {
    const old = known(reading(1_234, NOON, fee(20, [40, DUE])), (NOON + 60) * 1_000);
    expect(shown(old, NOON + 90, ["2026-11-21 12:41:05 UTC  Something."])).to.equal(`\
Trading fees of the key market 0x5FbDB2315678afecb367f032d93F642f64180aa3 on chain 8453
As of block 1234, 2026-11-21 12:40:05 UTC

CANNOT REACH THE CHAIN since 2026-11-21 12:41:05 UTC. The fees below are OLD and may have changed.

WARNING: the protocol fee goes up from 2% to 4% on 2026-11-23 12:40:05 UTC, in 1 day 23 h 58 min 30 s.

                                    then   announced   can never be above
Protocol fee (to the market)          2%          4%                   5%
Subject fee (to the twin's owner)   2.5%           –                   5%
Both together                       4.5%        6.5%                  10%

Keys priced at 1 ETH           then   from 2026-11-23 12:40:05 UTC
Buying them costs you     1.045 ETH                      1.065 ETH
Selling them brings you   0.955 ETH                      0.935 ETH

What happened while you were watching:
2026-11-21 12:41:05 UTC  Something.`);
    expect(shown(old, DUE + 1)).to.contain(
      "WARNING: the protocol fee was to go up from 2% to 4% on 2026-11-23 12:40:05 UTC.",
    );
    const quiet = known(reading(1_234, NOON, fee(20)), (NOON + 60) * 1_000);
    expect(shown(quiet, NOON + 90))
      .to.contain("may have changed.\n\n     ")
      .and.to.not.contain("whatever is decided");
    expect(shown({ last: null, unknownSince: NOON * 1_000 }, NOON)).to.contain(
      "CANNOT REACH THE CHAIN since 2026-11-21 12:40:05 UTC. Nothing is known yet.",
    );
  });

  it("does not take a node that stands still for a quiet chain", () => {
    const knowledge = known(reading(1_234, NOON, fee(20)));
    expect(shown(knowledge, NOON + 120)).to.not.contain("newest block");
    expect(shown(knowledge, NOON + 725)).to.contain(
      "The newest block that the node knows is 12 min 5 s old: the fees may have changed since.",
    );
  });

  it("counts down by the chain's time, and where clocks differ to the early side", () => {
    const block = reading(1, NOON, fee(20));
    const time = (seenAt: number, now: number) => chainTime({ reading: block, seenAt: seenAt * 1_000 }, now * 1_000);
    expect(time(NOON + 1, NOON + 4)).to.equal(NOON + 4);
    // A clock that is an hour behind the chain, and a chain that makes no blocks.
    expect(time(NOON - 3_600, NOON - 3_590)).to.equal(NOON + 10);
    expect(time(NOON + 500, NOON + 510)).to.equal(NOON + 510);
  });

  it("writes every amount exactly", () => {
    const odd = reading(1, NOON, { present: 1n, increase: null, cap: tenths(50) }, fee(0));
    expect(shown(known(odd), NOON))
      .to.contain("0.0000000000000001%")
      .and.to.contain("1.000000000000000001 ETH");
    expect(shown(known(odd), NOON)).to.contain("0.999999999999999999 ETH");
    expect(shown(known(reading(1, NOON, fee(0), fee(0))), NOON)).to.match(/Both together +0%/);
    expect([0, 59, 3_600, 90_061, 172_800, 176_400].map(duration)).to.deep.equal([
      "0 s",
      "59 s",
      "1 h",
      "1 day 1 h 1 min 1 s",
      "2 days",
      "2 days 1 h",
    ]);
    expect(plainReason(new Error('HHE713: Cannot connect to "localhost".\n\nPlease make sure'))).to.equal(
      'Cannot connect to "localhost"',
    );
    // A node's words cannot move a terminal's cursor or rewrite a line.
    expect(plainReason(new Error("no\rProtocol fee 0%\x1b[2J\x9b1A"))).to.equal("no Protocol fee 0% [2J 1A");
  });

  it("has a sentence for everything that can happen", () => {
    const common = { fee: "subject", at: NOON, transaction: null } as const;
    const [present, announced] = [tenths(25), tenths(30)];
    expect([
      sentence({ ...common, kind: "increase_announced", present, announced, effectiveAt: DUE, transaction: "0x12" }),
      sentence({ ...common, kind: "increase_withdrawn", present, withdrawn: announced }),
      sentence({ ...common, kind: "increased", previous: present, present: announced }),
      sentence({ ...common, kind: "decreased", previous: announced, present }),
    ]).to.deep.equal([
      "WARNING: the subject fee goes up from 2.5% to 3% on 2026-11-23 12:40:05 UTC, in 2 days (transaction 0x12).",
      "The increase of the subject fee to 3% was called off.",
      "The subject fee went up from 2.5% to 3%.",
      "The subject fee went down from 3% to 2.5%.",
    ]);
  });

  it("prints a line for the start, each change, the chain's silence once, and its return", () => {
    const lines = textLines();
    const first = known(reading(1, NOON, fee(20, [40, DUE])));
    const lost = { ...first, unknownSince: (NOON + 8) * 1_000 };
    expect(lines(null, first, [], null)).to.deep.equal([
      "2026-11-21 12:40:05 UTC  Protocol fee 2% (never above 5%), subject fee 2.5% (never above 5%), together 4.5%.",
      "2026-11-21 12:40:05 UTC  WARNING: the protocol fee goes up from 2% to 4% on 2026-11-23 12:40:05 UTC, in 2 days.",
    ]);
    expect(lines(first, known(reading(2, NOON + 2, fee(20, [40, DUE]))), [], null)).to.deep.equal([]);
    expect(lines(first, lost, [], new Error("connection refused"))).to.deep.equal([
      "2026-11-21 12:40:13 UTC  Cannot reach the chain since 2026-11-21 12:40:13 UTC (connection refused). What was printed before may be out of date.",
    ]);
    expect(lines(lost, lost, [], new Error("connection refused"))).to.deep.equal([]);
    expect(lines(lost, first, [], null)).to.deep.equal([
      "2026-11-21 12:40:05 UTC  The chain answers again.",
      ...lines(null, first, [], null),
    ]);
    const never: FeesKnowledge = { last: null, unknownSince: NOON * 1_000 };
    expect(lines(null, never, [], null)[0]).to.contain("Nothing is known yet.");
  });

  it("gives scripts the same as JSON, one object a change, old values never under `fees`", () => {
    const lines = jsonLines(place);
    const first = known(reading(1, NOON, fee(20, [40, DUE])));
    expect(lines(first, known(reading(2, NOON + 2, fee(20, [40, DUE]))), [])).to.deep.equal([]);
    const [line] = lines(first, { ...first, unknownSince: (NOON + 8) * 1_000 }, []);
    expect(JSON.parse(line!)).to.include({ status: "unknown", fees: null, readAt: NOON, unknownSince: NOON + 8 });
    expect(JSON.parse(line!).lastKnown.protocol.presentPercent).to.equal("2");
    expect(eventToWire(first, [], place, (NOON + 10) * 1_000).fees).to.deep.equal({
      block: first.last!.reading.block,
      noticeSeconds: NOTICE,
      increasePending: true,
      protocol: {
        ...{ presentPercent: "2", capPercent: "5" },
        increase: { percent: "4", effectiveAt: DUE, secondsLeft: NOTICE - 10 },
      },
      subject: { presentPercent: "2.5", capPercent: "5", increase: null },
      tradeOfOneEth: [
        { from: null, feesPercent: "4.5", buyerPays: "1.045", sellerGets: "0.955" },
        { from: DUE, feesPercent: "6.5", buyerPays: "1.065", sellerGets: "0.935" },
      ],
    });
  });
});
