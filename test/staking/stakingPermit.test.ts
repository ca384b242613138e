import { expect } from "chai";
import { Signature, Wallet, id } from "ethers";
import { MINIMUM, OPG, useStaking } from "./support.ts";

describe("OPGStaking, with a permit", () => {
  const world = useStaking();

  async function permit(amount: bigint, owner: Wallet, nonce = 0n) {
    const { token, address } = world();
    const types = {
      Permit: ["owner", "spender"]
        .map((name) => ({ name, type: "address" }))
        .concat(["value", "nonce", "deadline"].map((name) => ({ name, type: "uint256" }))),
    };
    const domain = {
      name: "OpenGradient",
      version: "1",
      chainId: 31337n,
      verifyingContract: await token.getAddress(),
    };
    const message = { owner: owner.address, spender: address, value: amount, nonce, deadline: 2n ** 64n };
    return Signature.from(await owner.signTypedData(domain, types, message));
  }

  it("stakes and delegates without an approval, also where somebody used the permit first", async () => {
    const { ethers, staking, token, address, open, signers } = world();
    const { operator, deployer, anyone } = signers;
    await open();
    const owner = new Wallet(id("owner"), ethers.provider);
    await deployer.sendTransaction({ to: owner.address, value: OPG });
    await token.transfer(owner.address, 100n * OPG);
    const by = staking.connect(owner);
    const first = await permit(60n * OPG, owner);
    await by.stakeWithPermit(operator, 0, 60n * OPG, 2n ** 64n, first.v, first.r, first.s);
    const second = await permit(40n * OPG, owner, 1n);
    await token.connect(anyone).permit(owner, address, 40n * OPG, 2n ** 64n, second.v, second.r, second.s);
    await by.delegateWithPermit(operator, 0, 40n * OPG, 2n ** 64n, second.v, second.r, second.s);
    const pool = await staking.pool(operator, 0);
    expect([pool.own, pool.delegated]).to.deep.equal([MINIMUM + 60n * OPG, 40n * OPG]);
    expect((await staking.position(operator, 0, owner)).amount).to.equal(40n * OPG);
  });

  it("moves nothing where the permit is somebody else's", async () => {
    const { staking, token, open, signers } = world();
    await open();
    const { v, r, s } = await permit(OPG, new Wallet(id("owner")));
    await token.connect(signers.alice).approve(await staking.getAddress(), 0n);
    await expect(
      staking.connect(signers.alice).stakeWithPermit(signers.operator, 0, OPG, 2n ** 64n, v, r, s),
    ).to.be.revertedWithCustomError(token, "ERC20InsufficientAllowance");
  });
});
