import { expect } from "chai";
import { AbiCoder, dataSlice } from "ethers";
import { TwinMarket__factory } from "../../typechain/index.ts";
import {
  BUY,
  CREATE,
  CREATE_FULL,
  gained,
  ID,
  idOf,
  NEVER,
  SELL,
  useMarket,
  withFees,
  price,
  PERCENT,
} from "./support.ts";

const ETHER = 10n ** 18n;
const HOSTILE = ["Reverts", "Burns", "Returns", "ReEnters"] as const;
const guarded = "0x3ee5aeb5"; // ReentrancyGuardReentrantCall()

describe("Leaving is always possible [R8] [FM:uncapped-fee]", () => {
  const market = useMarket({}, async (m) => {
    await m.create("twin", 5n);
    await m.as(m.alice)[BUY](ID, 20n, { value: ETHER });
  });

  for (const mood of HOSTILE)
    it(`whatever the subject does when ether arrives: ${mood}`, async () => {
      const m = market();
      const subject = await m.actor();
      const id = idOf("hostile subject");
      await subject.act(m.market.interface.encodeFunctionData(CREATE, [id, ""]));
      await subject.be(mood, m.address, m.market.interface.encodeFunctionData(SELL, [id, 1n]));
      await m.as(m.alice)[BUY](id, 20n, { value: ETHER });
      const { total } = await m.market.quoteSell(id, 20n);
      expect(await gained(m, m.alice, () => m.as(m.alice)[SELL](id, 20n))).to.equal(total);
      expect(await m.surplus()).to.equal(0n);
    });

  for (const mood of ["Reverts", "Burns"] as const)
    it(`and a fee that its owner cannot receive waits for another receiver: ${mood}`, async () => {
      const m = market();
      const subject = await m.actor();
      const id = idOf("stuck subject");
      await subject.act(m.market.interface.encodeFunctionData(CREATE, [id, ""]));
      await m.as(m.alice)[BUY](id, 20n, { value: ETHER });
      await subject.be(mood);
      const owed = (await m.market.twin(id)).unclaimedFees;
      const call = { gasLimit: 2_000_000n };
      await expect(m.as(m.eve).claimSubjectFees(id, subject.address, call))
        .to.be.revertedWithCustomError(m.market, "TwinMarket_TransferFailed")
        .withArgs(subject.address, owed);
      expect((await m.market.twin(id)).unclaimedFees).to.equal(owed);
      const data = m.market.interface.encodeFunctionData("claimSubjectFees", [id, m.bob.address]);
      expect(await gained(m, m.bob, () => subject.act(data))).to.equal(owed);
    });

  it("and an admin that cannot receive blocks nothing and loses nothing", async () => {
    const m = market();
    const admin = await m.actor();
    const deployed = await m.ethers.deployContract("TwinMarket", [admin.address, m.divisor, PERCENT, PERCENT]);
    const other = TwinMarket__factory.connect(await deployed.getAddress(), m.alice);
    await admin.be("Reverts");
    await other[CREATE](ID, "", { value: ETHER });
    await other[SELL](ID, 50n);
    const owed = await other.unclaimedProtocolFees();
    await expect(other.claimProtocolFees(admin.address))
      .to.be.revertedWithCustomError(other, "TwinMarket_TransferFailed")
      .withArgs(admin.address, owed);
    expect(await other.unclaimedProtocolFees()).to.equal(owed);
  });

  it("and a trader that cannot receive harms its own trade alone", async () => {
    const m = market();
    const trader = await m.actor();
    const { total } = await m.market.quoteBuy(ID, 3n);
    const buy = m.market.interface.encodeFunctionData(BUY, [ID, 3n]);
    await trader.be("Reverts");
    await expect(trader.act(buy, total + 7n))
      .to.be.revertedWithCustomError(m.market, "TwinMarket_TransferFailed")
      .withArgs(trader.address, 7n);
    // Paid exactly there is nothing to give back.
    await trader.act(buy, total);
    const payout = (await m.market.quoteSell(ID, 3n)).total;
    const sell = m.market.interface.encodeFunctionData(SELL, [ID, 3n]);
    await expect(trader.act(sell))
      .to.be.revertedWithCustomError(m.market, "TwinMarket_TransferFailed")
      .withArgs(trader.address, payout);
    expect(await m.market.sharesBalance(ID, trader.address)).to.equal(3n);
    await m.as(m.alice)[SELL](ID, 20n);
    await trader.be("Takes");
    await trader.act(sell);
    expect(await m.surplus()).to.equal(0n);
  });

  it("and a long answer of the receiver costs the caller nothing to speak of", async () => {
    const m = market();
    const trader = await m.actor();
    const buy = m.market.interface.encodeFunctionData(BUY, [ID, 3n]);
    const spent = async () => (await (await trader.act(buy, ETHER)).wait())!.gasUsed;
    await trader.be("Takes");
    await spent();
    const plain = await spent();
    await trader.be("Returns");
    // Making a million bytes costs the receiver two million gas; copying them would cost as much again.
    expect((await spent()) - plain < 3_200_000n).to.equal(true);
  });

  it("while nobody coming back in the middle of a call gets anywhere", async () => {
    const m = market();
    const trader = await m.actor();
    await trader.act(m.market.interface.encodeFunctionData(BUY, [ID, 3n]), (await m.market.quoteBuy(ID, 3n)).total);
    await trader.act(m.market.interface.encodeFunctionData(CREATE, [idOf("own"), ""]), ETHER);
    const order = { digitalTwinId: ID, amount: 1n, limit: 0n };
    const ways = [
      m.market.interface.encodeFunctionData(SELL, [ID, 1n]),
      m.market.interface.encodeFunctionData("sellShares(bytes16,uint256,uint256)", [ID, 1n, 0n]),
      m.market.interface.encodeFunctionData("sellShares(bytes16,uint256,uint256,uint256)", [ID, 1n, 0n, NEVER]),
      m.market.interface.encodeFunctionData("sellSharesBatch", [[order], NEVER]),
      m.market.interface.encodeFunctionData(BUY, [ID, 1n]),
      m.market.interface.encodeFunctionData("buyShares(bytes16,uint256,uint256,uint256)", [ID, 1n, 0n, NEVER]),
      m.market.interface.encodeFunctionData("buySharesBatch", [[order], NEVER]),
      m.market.interface.encodeFunctionData(CREATE, [idOf("inner"), ""]),
      m.market.interface.encodeFunctionData(CREATE_FULL, [idOf("inner"), "", trader.address, 0n, 0n, 0n]),
      m.market.interface.encodeFunctionData("claimSubjectFees", [idOf("own"), trader.address]),
      m.market.interface.encodeFunctionData("claimProtocolFees", [m.admin.address]),
      m.market.interface.encodeFunctionData("claimOwedFees", [trader.address]),
    ];
    for (const way of ways) {
      await trader.be("ReEnters", m.address, way);
      const snapshot = await m.networkHelpers.takeSnapshot();
      await trader.act(m.market.interface.encodeFunctionData(SELL, [ID, 1n]));
      expect(await trader.reentered(), way).to.equal(false);
      expect(dataSlice(await trader.answer(), 0, 4), way).to.equal(guarded);
      await snapshot.restore();
    }
    // The same through a refund and through a claim.
    await trader.be("ReEnters", m.address, ways[0]!);
    await trader.act(m.market.interface.encodeFunctionData(BUY, [ID, 1n]), ETHER);
    expect(await trader.reentered()).to.equal(false);
    await trader.be("ReEnters", m.address, ways[0]!);
    await trader.act(m.market.interface.encodeFunctionData("claimSubjectFees", [idOf("own"), trader.address]));
    expect(await trader.reentered()).to.equal(false);
    expect(await m.surplus()).to.equal(0n);
  });

  it("and a look in the middle of a call finds the books of after it", async () => {
    const m = market();
    const trader = await m.actor();
    await trader.act(m.market.interface.encodeFunctionData(BUY, [ID, 3n]), (await m.market.quoteBuy(ID, 3n)).total);
    const after = (await m.market.liabilities()) - (await m.market.quoteSell(ID, 3n)).total;
    await trader.be("ReEnters", m.address, m.market.interface.encodeFunctionData("liabilities"));
    await trader.act(m.market.interface.encodeFunctionData(SELL, [ID, 3n]));
    expect(await trader.reentered()).to.equal(true);
    const [bytes] = AbiCoder.defaultAbiCoder().decode(["uint256"], await trader.answer());
    expect(bytes).to.equal(after);
  });

  it("with ether forced in, which nobody can take and which moves no price", async () => {
    const m = market();
    const before = [await m.market.liabilities(), await m.market.getBuyPrice(ID, 5n)];
    await m.ethers.deployContract("EtherForcer", [m.address], { value: 5n * ETHER });
    expect(await m.surplus()).to.equal(5n * ETHER);
    expect([await m.market.liabilities(), await m.market.getBuyPrice(ID, 5n)]).to.deep.equal(before);
    await m.as(m.alice)[SELL](ID, 20n);
    await m.as(m.creator)[SELL](ID, 5n);
    await m.market.claimProtocolFees(m.admin.address);
    await m.market.claimSubjectFees(ID, m.creator.address);
    expect(await m.market.liabilities()).to.equal(0n);
    expect(await m.balance(m.address)).to.equal(5n * ETHER);
  });

  it("down to the last wei: everybody sells, everyone claims, and nothing is left or lacking", async () => {
    const m = market();
    await m.create("second", 30n);
    await m.as(m.bob)[BUY](idOf("second"), 77n, { value: 100n * ETHER });
    await m.as(m.bob)[BUY](ID, 3n, { value: ETHER });
    for (const [who, id, keys] of [
      [m.alice, ID, 20n],
      [m.creator, idOf("second"), 30n],
      [m.bob, idOf("second"), 77n],
      [m.creator, ID, 5n],
      [m.bob, ID, 3n],
    ] as const)
      await m.as(who)[SELL](id, keys);
    await m.market.claimProtocolFees(m.admin.address);
    for (const id of [ID, idOf("second")]) await m.market.claimSubjectFees(id, m.creator.address);
    expect(await m.balance(m.address)).to.equal(0n);
    expect(await m.market.liabilities()).to.equal(0n);
  });

  it("and owes exactly the worth of its keys and the fees that wait, at any moment", async () => {
    const m = market();
    const worth = price(0n, 25n, m.divisor);
    const { protocolFee, subjectFee } = withFees(price(0n, 5n, m.divisor), 3n * PERCENT, 2n * PERCENT);
    const second = withFees(price(5n, 20n, m.divisor), 3n * PERCENT, 2n * PERCENT);
    const fees = protocolFee + subjectFee + second.protocolFee + second.subjectFee;
    expect(await m.market.liabilities()).to.equal(worth + fees);
    expect(await m.balance(m.address)).to.equal(worth + fees);
  });
});
