import { expect } from "chai";
import { Transaction, Wallet, parseEther } from "ethers";
import { broadcast, findTransaction } from "../../relayer/chain/sending.ts";
import { CHAIN_ID, startLocalChain, type LocalChain } from "../support/local-chain.ts";

const GWEI = 10n ** 9n;

describe("refusals of a real node", () => {
  let chain: LocalChain;
  let wallet: InstanceType<typeof Wallet>;
  before(async () => {
    chain = await startLocalChain();
  });
  after(() => chain.close());
  beforeEach(async () => {
    await chain.setAutomine(false);
    wallet = new Wallet(Wallet.createRandom().privateKey);
    await chain.setBalance(wallet.address, parseEther("1"));
  });

  const raw = (over: object = {}) =>
    wallet.signTransaction({
      type: 2,
      chainId: CHAIN_ID,
      nonce: 0,
      to: wallet.address,
      gasLimit: 50000n,
      maxFeePerGas: 50n * GWEI,
      maxPriorityFeePerGas: GWEI,
      ...over,
    });
  const send = async (over: object = {}) => (await broadcast(chain.rpc, await raw(over))).kind;

  it("are read for what they mean [FM:nonce-misclassified]", async () => {
    expect(await send()).to.equal(null);
    expect(await send()).to.equal("already_known");
    expect(await send({ gasLimit: 60_000n })).to.equal("replacement_underpriced");
    await chain.mine();
    expect(await send({ gasLimit: 70_000n })).to.equal("nonce_too_low");
    expect(await send({ nonce: 1, gasLimit: 20_000n })).to.equal("invalid");
    expect(await send({ nonce: 1, gasLimit: 16_777_217n })).to.equal("invalid");
    await chain.setBalance(wallet.address, 1n);
    expect(await send({ nonce: 1 })).to.equal("insufficient_funds");
  });

  it("that mines at once differ, and are read too [FM:nonce-misclassified]", async () => {
    await chain.setAutomine(true);
    expect(await send({ nonce: 5 })).to.equal("nonce_too_high");
    await chain.setNextBaseFee(40n * GWEI);
    expect(await send({ maxFeePerGas: GWEI })).to.equal("fee_too_low");
    expect(await send()).to.equal(null);
    expect(await send({ gasLimit: 60_000n })).to.equal("nonce_too_low");
  });

  it("that mines at once reports a revert as an error, though the transaction is mined [FM:false-settled]", async () => {
    await chain.setAutomine(true);
    const reverter = "0x0000000000000000000000000000000000000bad";
    await chain.rpc.request("hardhat_setCode", [reverter, "0x5f5ffd"]);
    expect(await send({ to: reverter })).to.equal("mined_and_reverted");
    const { hash } = Transaction.from(await raw({ to: reverter }));
    expect((await findTransaction(chain.rpc, hash!)).finding).to.include({ at: "block", succeeded: false });
  });
});
