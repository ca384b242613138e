import { expect } from "chai";
import { sandwiches, snipes } from "../../bench/twin-attacks.ts";

// Each figure is played on a chain and has to come out as reckoned, or these throw.

describe("Sandwiches [FM:uncapped-fee]", () => {
  it("take a multiple of the fair price from a buy without a bound, and next to nothing from a bounded one", async () => {
    const found = await sandwiches();
    const of = (kind: string, how: string) => found.filter(({ name }) => name.startsWith(kind) && name.includes(how));
    // A buy of 20 at a supply of 200 is worth 0.55 ether, and a sale of 20 there 0.45.
    for (const open of of("buy", "no bound")) expect(open.harm > 10n ** 18n && open.profit > 0n).to.equal(true);
    for (const open of of("sale", "no bound")) expect(open.harm > 3n * 10n ** 17n && open.profit > 0n).to.equal(true);
    for (const bounded of [...of("buy", "1 %"), ...of("sale", "1 %")]) {
      expect(bounded.harm <= 6n * 10n ** 15n, bounded.name).to.equal(true);
      expect(bounded.profit <= bounded.harm, bounded.name).to.equal(true);
    }
  });
});

describe("Snipers [FM:first-key-sniping]", () => {
  it("earn less on less where the creator goes first and the opening limits accounts, and as much with more accounts", async () => {
    const [none, open, creator, opening, sybils, both] = await snipes();
    const rate = ({ profit, outlay }: { profit: bigint; outlay: bigint }) => Number(profit) / Number(outlay);
    expect(none!.crowdKeys > open!.crowdKeys).to.equal(true);
    expect(rate(creator!) < rate(open!) / 3).to.equal(true);
    expect(opening!.profit < open!.profit / 3n).to.equal(true);
    expect(both!.profit < open!.profit / 3n && rate(both!) < rate(open!) / 2).to.equal(true);
    // Not hidden: an opening asks for more accounts, it does not know persons.
    expect(sybils!.size).to.equal(open!.size);
  });
});
