import { expect } from "chai";
import { ZeroAddress } from "ethers";
import { BUY, gained, ID, idOf, useMarket } from "./support.ts";

describe("Earned fees [R8] [FM:uncapped-fee]", () => {
  const market = useMarket({}, async (m) => {
    await m.create("twin", 20n);
    await m.as(m.alice)[BUY](ID, 30n, { value: 10n ** 18n });
  });

  it("wait until they are pulled, and a trade pays out nothing but the trader's own", async () => {
    const m = market();
    const before = await Promise.all([m.balance(m.admin), m.balance(m.creator)]);
    const { protocolFee, subjectFee, total } = await m.market.quoteBuy(ID, 3n);
    const owed = [await m.market.unclaimedProtocolFees(), (await m.market.twin(ID)).unclaimedFees];
    await m.as(m.bob)[BUY](ID, 3n, { value: total });
    expect(await Promise.all([m.balance(m.admin), m.balance(m.creator)])).to.deep.equal(before);
    expect(await m.market.unclaimedProtocolFees()).to.equal(owed[0]! + protocolFee);
    expect((await m.market.twin(ID)).unclaimedFees).to.equal(owed[1]! + subjectFee);
  });

  it("of the subject go to the owner at anyone's request, and elsewhere at the owner's alone", async () => {
    const m = market();
    const owed = (await m.market.twin(ID)).unclaimedFees;
    for (const to of [m.eve.address, m.admin.address])
      for (const by of [m.eve, m.admin])
        await expect(m.as(by).claimSubjectFees(ID, to))
          .to.be.revertedWithCustomError(m.market, "TwinMarket_NotOwner")
          .withArgs(ID, by.address);
    const snapshot = await m.networkHelpers.takeSnapshot();
    expect(await gained(m, m.creator, () => m.as(m.eve).claimSubjectFees(ID, m.creator.address))).to.equal(owed);
    await snapshot.restore();
    const sent = m.as(m.creator).claimSubjectFees(ID, m.bob.address);
    await expect(sent).to.emit(m.market, "SubjectFeesClaimed").withArgs(ID, m.creator.address, m.bob.address, owed);
    await expect(m.as(m.creator).claimSubjectFees(ID, m.bob.address)).to.be.revertedWithCustomError(
      m.market,
      "TwinMarket_NothingToClaim",
    );
    await expect(m.as(m.creator).claimSubjectFees(ID, ZeroAddress)).to.be.revertedWithCustomError(
      m.market,
      "TwinMarket_ZeroAddress",
    );
    expect(await m.surplus()).to.equal(0n);
  });

  it("of the protocol go to the admin at anyone's request, and elsewhere at the admin's alone", async () => {
    const m = market();
    const owed = await m.market.unclaimedProtocolFees();
    await expect(m.as(m.eve).claimProtocolFees(m.eve.address))
      .to.be.revertedWithCustomError(m.market, "TwinMarket_NotAdmin")
      .withArgs(m.eve.address);
    await expect(m.as(m.admin).claimProtocolFees(ZeroAddress)).to.be.revertedWithCustomError(
      m.market,
      "TwinMarket_ZeroAddress",
    );
    const snapshot = await m.networkHelpers.takeSnapshot();
    expect(await gained(m, m.admin, () => m.as(m.eve).claimProtocolFees(m.admin.address))).to.equal(owed);
    await snapshot.restore();
    expect(await gained(m, m.bob, () => m.as(m.admin).claimProtocolFees(m.bob.address))).to.equal(owed);
    expect(await m.market.unclaimedProtocolFees()).to.equal(0n);
    expect(await m.surplus()).to.equal(0n);
  });

  it("of nobody's twin, or of none, nobody can take", async () => {
    const m = market();
    for (const id of [idOf("none"), idOf("another")])
      await expect(m.as(m.eve).claimSubjectFees(id, m.eve.address)).to.be.revertedWithCustomError(
        m.market,
        "TwinMarket_NotOwner",
      );
    await expect(m.as(m.eve).claimOwedFees(m.eve.address)).to.be.revertedWithCustomError(
      m.market,
      "TwinMarket_NothingToClaim",
    );
    await expect(m.as(m.eve).claimOwedFees(ZeroAddress)).to.be.revertedWithCustomError(
      m.market,
      "TwinMarket_ZeroAddress",
    );
  });
});
