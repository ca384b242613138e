// SPDX-License-Identifier: GPL-3.0-or-later
/** Contracts that ask on chain: one that gets its answer, one that refuses it, and a node that does not answer. */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { hexlify, parseEther, toUtf8Bytes, ZeroAddress, ZeroHash } from "ethers";
import { createProver } from "../circuits/prover.ts";
import { encodeProof } from "../relayer/evidence/groth16/encode.ts";
import { createNode } from "../relayer/node/index.ts";
import { bindingOf, Mode, signalInputHash, type Domain, type Hex } from "../relayer/protocol/index.ts";
import { circuitOutput, createRequestService, type AskedRequest } from "../relayer/requests/index.ts";
import { AskedScore__factory, InferenceRequests__factory, RefusingRequester__factory } from "../typechain/index.ts";
import { type Chain, mined } from "./chain.ts";
import { buy, opg } from "./economy.ts";
import { addOperatorKey, type Models, registerNode } from "./nodes.ts";
import { line, table } from "./text.ts";

const MAX_FEE = parseEther("2");
const PRICE = parseEther("1.5");
const FEATURES = 16;
/** Seconds that the last question waits for an answer that does not come. */
const PATIENCE = 5;

const lower = (hex: string): Hex => hex.toLowerCase() as Hex;
/** The features that a request is about: its input hash is the word that they are packed into. */
const featuresOf = ({ inputHash }: Pick<AskedRequest, "inputHash">) => ({
  values: Array.from({ length: FEATURES }, (_, i) => Number((BigInt(inputHash) >> BigInt(8 * i)) & 0xffn)),
});

/** A node that answers what is asked on chain with proved risk scores, and its parts. */
async function openNode(chain: Chain, domain: Domain, models: Models, folder: string, onError: (error: Error) => void) {
  const operator = chain.as("operator");
  const nodeId = await registerNode(chain, "http://127.0.0.1:9004");
  const key = await addOperatorKey(chain, nodeId);
  await mined(chain.nodes.setOffer(nodeId, models.riskId, 1 << Mode.ZKML, 4));
  await buy(chain, "operator", parseEther("20"));
  await mined(chain.token.connect(operator).approve(chain.addresses.inferenceRequests, parseEther("20")));
  const prover = await createProver(models.risk);
  const prove = async (features: Hex, receiptId: Hex): Promise<Hex> => {
    const { proof, publicSignals } = await prover.prove(featuresOf({ inputHash: features }), bindingOf(receiptId));
    return hexlify(encodeProof(proof, publicSignals)) as Hex;
  };
  const node = createNode({
    key,
    mode: Mode.ZKML,
    modelId: models.riskId,
    domain,
    // Every answer settles alone here, at once.
    relayer: chain.url,
    store: join(folder, "requests-answers.sqlite"),
    prove: async ({ receipt, witness }) => prove(`0x${Buffer.from(witness).toString("hex")}`, receipt.requestId),
    onError,
  });
  const service = createRequestService({
    nodeId,
    modelId: models.riskId,
    mode: Mode.ZKML,
    node,
    requests: lower(chain.addresses.inferenceRequests),
    provider: chain.provider,
    signer: operator,
    store: join(folder, "requests.sqlite"),
    confirmations: 0,
    price: () => PRICE,
    // The hash is the input.
    readInput: async ({ inputHash }) => toUtf8Bytes(inputHash),
    infer: async (request) => {
      const { outputs } = models.risk.evaluate(featuresOf(request));
      return { ...circuitOutput(outputs), witness: Buffer.from(request.inputHash.slice(2), "hex") };
    },
    evidenceOf: ({ receipt, receiptId }) => prove(receipt.inputHash, receiptId),
    onError,
  });
  return { nodeId, key, service, close: () => prover.close() };
}

/**
 * Asks three times and prints what became of it; throws where it does not add up to the wei. To run after the operator
 * was paid for everything else, as it puts up bonds with tokens of its own.
 */
export async function askOnChain(chain: Chain, domain: Domain, models: Models, folder: string): Promise<void> {
  const requests = InferenceRequests__factory.connect(chain.addresses.inferenceRequests, chain.as("borrower"));
  const at = chain.addresses.inferenceRequests;
  const borrower = chain.as("borrower");
  await buy(chain, "borrower", 3n * MAX_FEE);
  const problems: Error[] = [];
  const { nodeId, key, service, close } = await openNode(chain, domain, models, folder, (error) =>
    problems.push(error),
  );
  const lastId = async (): Promise<Hex> => {
    const events = await requests.queryFilter(requests.filters.Requested());
    return lower(events.at(-1)!.args.requestId);
  };
  try {
    const features = signalInputHash(
      models.risk.evaluate({ values: Array.from({ length: FEATURES }, () => 130) }).inputSignal,
    );
    const expected = models.risk.evaluate(featuresOf({ inputHash: features })).outputs[0]!;

    const scores = await (await new AskedScore__factory(borrower).deploy(at, models.riskId)).waitForDeployment();
    await mined(chain.token.connect(borrower).approve(await scores.getAddress(), MAX_FEE));
    await mined(scores.ask(features, MAX_FEE));
    const taken = await lastId();
    await service.step();
    const { value } = await scores.scoreOf(features);
    if (value !== expected) throw new Error(`The contract has ${value}. ${problems.map(String).join("; ")}`);

    const refuser = await (await new RefusingRequester__factory(borrower).deploy(at)).waitForDeployment();
    await mined(chain.token.connect(borrower).transfer(await refuser.getAddress(), MAX_FEE));
    const terms = { modelId: models.riskId, inputHash: features, contextHash: ZeroHash, nodeId, maxFee: MAX_FEE };
    const now = async () => BigInt((await chain.provider.getBlock("latest"))!.timestamp);
    const rest = { modeMask: 1 << Mode.ZKML, callbackGas: 100_000 };
    await mined(refuser.ask({ ...terms, ...rest, deadline: (await now()) + 3_600n }));
    const refused = await lastId();
    await service.step();
    if ((await requests.undelivered(refused)) === ZeroHash) throw new Error("The refused answer is not kept.");

    await mined(chain.token.connect(borrower).approve(at, MAX_FEE));
    await mined(
      requests.request({ ...terms, modeMask: 2, callbackGas: 0, deadline: (await now()) + BigInt(PATIENCE) }, "0x"),
    );
    const ignored = await lastId();
    await mined(requests.connect(chain.as("operator")).accept(ignored, key.keyId, 2n ** 64n));
    const before = await chain.token.balanceOf(borrower.address);
    while ((await now()) <= (await requests.deadlineOf(ignored))) await sleep(500);
    await mined(requests.connect(chain.as("attacker")).timeOut(ignored));
    const refund = (await chain.token.balanceOf(borrower.address)) - before;

    const states = ["none", "open", "accepted", "fulfilled", "cancelled", "timed out", "excused"];
    const stateOf = async (id: Hex) => states[Number((await requests.inferenceRequest(id)).status)]!;
    table(
      ["asked by", "became", "callback", "paid to the node", "back to who asked"],
      [
        ["AskedScore", await stateOf(taken), `score ${value}, proved`, opg(PRICE), opg(MAX_FEE - PRICE)],
        ["RefusingRequester", await stateOf(refused), "reverts", opg(PRICE), opg(MAX_FEE - PRICE)],
        ["an account", await stateOf(ignored), "none", opg(0n), `${opg(refund)}, the bond with it`],
      ],
    );
    const epoch = await chain.splitter.currentEpoch();
    await mined(requests.forward(nodeId, models.riskId, ZeroAddress, epoch));
    const accounts = [await scores.getAddress(), await refuser.getAddress(), chain.as("operator").address];
    let credits = 0n;
    for (const account of accounts) credits += await requests.credit(account);
    const bond = await requests.bondOf(MAX_FEE);
    if (refund !== MAX_FEE + bond || (await chain.token.balanceOf(at)) !== credits)
      throw new Error("Fees and bonds of requests do not add up.");
    line(
      "  Every fee was here before anybody worked, and ended once: with the splitter, or with who asked. Refusing an answer",
    );
    line(`  kept the node from nothing; not answering cost it its bond of ${opg(bond)}.`);
  } finally {
    await close();
  }
}
