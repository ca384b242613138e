// SPDX-License-Identifier: MIT
// What gateways send, as bytes: read to the letter, and nothing but that.
import { expect } from "chai";
import fc from "fast-check";
import { Problem } from "../../relayer/api/problems.ts";
import { decodeAnswers, encodeAnswers, planAnswers } from "../../relayer/opengradient/calls.ts";
import { readHeartbeat, readSettlement, type HandedAnswer } from "../../relayer/opengradient/handed-in.ts";
import { gatewayKeyId, gatewayRequestId, toHex, type Hex } from "../../relayer/protocol/index.ts";

// Recorded: base64.b64encode(json.dumps(payload, separators=(",", ":"), default=str).encode()) of Python 3, as the
// gateways' middleware builds the header.
// prettier-ignore
const BATCH =
  "eyJ0ZWVfaWQiOiIweGFiYWJhYmFiYWJhYmFiYWJhYmFiYWJhYmFiYWJhYmFiYWJhYmFiYWJhYmFiYWJhYmFiYWJhYmFiYWJhYmFiYWIiLCJpbn" +
  "B1dF9oYXNoIjoiNWI1OThjMDU0YTRjZjQ5ZDMyOTYzZjJjZjBhODZlMjE5MDZmMmVlNjYzYzc0NDQ3OGQ2MzFmYjQ0ODAxM2Q0ZSIsIm91dHB1" +
  "dF9oYXNoIjoiM2U5MmExM2I2OGQxODY4ZTgyODc4OGYwNDkzOTVlZDQ0YjcwMTk1NTc3N2M1ZjUxZjBiMzU1OWJiMDVkYmFmOCIsInRlZV9zaW" +
  "duYXR1cmUiOiJBQUVDQXdRRkJnY0lDUW9MREEwT0R4QVJFaE1VRlJZWEdCa2FHeHdkSGg4Z0lTSWpKQ1VtSnlncEtpc3NMUzR2TURFeU16UTFO" +
  "amM0T1RvN1BEMCtQMEJCUWtORVJVWkhTRWxLUzB4TlRrOVFVVkpUVkZWV1YxaFpXbHRjWFY1ZllHRmlZMlJsWm1kb2FXcHJiRzF1YjNCeGNuTj" +
  "BkWFozZUhsNmUzeDlmbitBZ1lLRGhJV0doNGlKaW91TWpZNlBrSkdTazVTVmxwZVltWnFibkoyZW42Q2hvcU9rcGFhbnFLbXFxNnl0cnErd3Ni" +
  "S3p0TFcydDdpNXVydTh2YjYvd01IQ3c4VEZ4c2ZJeWNyTHpNM096OURSMHRQVTFkYlgyTm5hMjl6ZDN0L2c0ZUxqNU9YbTUranA2dXZzN2U3dj" +
  "hQSHk4L1QxOXZmNCtmcjcvUDMrL3c9PSIsInRlZV90aW1lc3RhbXAiOjE3NjcyMjU2MDAsInRpbWVzdGFtcCI6MTc2NzIyNTYwMH0=";
const INDIVIDUAL =
  "eyJ0ZWVfaWQiOiIweGFiYWJhYmFiYWJhYmFiYWJhYmFiYWJhYmFiYWJhYmFiYWJhYmFiYWJhYmFiYWJhYmFiYWJhYmFiYWJhYmFiYWIiLCJpbn" +
  "B1dF9oYXNoIjoiNWI1OThjMDU0YTRjZjQ5ZDMyOTYzZjJjZjBhODZlMjE5MDZmMmVlNjYzYzc0NDQ3OGQ2MzFmYjQ0ODAxM2Q0ZSIsIm91dHB1" +
  "dF9oYXNoIjoiM2U5MmExM2I2OGQxODY4ZTgyODc4OGYwNDkzOTVlZDQ0YjcwMTk1NTc3N2M1ZjUxZjBiMzU1OWJiMDVkYmFmOCIsInRlZV9zaW" +
  "duYXR1cmUiOiJBQUVDQXdRRkJnY0lDUW9MREEwT0R4QVJFaE1VRlJZWEdCa2FHeHdkSGg4Z0lTSWpKQ1VtSnlncEtpc3NMUzR2TURFeU16UTFO" +
  "amM0T1RvN1BEMCtQMEJCUWtORVJVWkhTRWxLUzB4TlRrOVFVVkpUVkZWV1YxaFpXbHRjWFY1ZllHRmlZMlJsWm1kb2FXcHJiRzF1YjNCeGNuTj" +
  "BkWFozZUhsNmUzeDlmbitBZ1lLRGhJV0doNGlKaW91TWpZNlBrSkdTazVTVmxwZVltWnFibkoyZW42Q2hvcU9rcGFhbnFLbXFxNnl0cnErd3Ni" +
  "S3p0TFcydDdpNXVydTh2YjYvd01IQ3c4VEZ4c2ZJeWNyTHpNM096OURSMHRQVTFkYlgyTm5hMjl6ZDN0L2c0ZUxqNU9YbTUranA2dXZzN2U3dj" +
  "hQSHk4L1QxOXZmNCtmcjcvUDMrL3c9PSIsInRlZV90aW1lc3RhbXAiOjE3NjcyMjU2MDAsInRpbWVzdGFtcCI6IjE3NjcyMjU2MDAiLCJpbnB1" +
  "dCI6eyJtZXNzYWdlcyI6W3siY29udGVudCI6IkhlbGxvLCB3XHUwMGY2cmxkIiwicm9sZSI6InVzZXIifV0sIm1vZGVsIjoiZ3B0LTRvIiwidG" +
  "VtcGVyYXR1cmUiOjAuMH0sIm91dHB1dCI6eyJjb250ZW50IjoiSGkgdGhlcmUgXHUyNjAwIn0sImV0aF9hZGRyZXNzIjoiMHhBYkFiQWJBYkFi" +
  "QWJBYkFiQWJBYkFiQWJBYkFiQWJBYkFiQWJBYkFiIn0=";
const CONTRACT: Hex = `0x${"c0".repeat(20)}`;
const LIMIT = 32_768;

const pythonHeader = (fields: object): string => Buffer.from(JSON.stringify(fields)).toString("base64");
const read = (type: string | undefined, data: string | undefined, limit = LIMIT) =>
  readSettlement({ type, data }, limit) as HandedAnswer;
/** The code that something is refused with; `taken` where it is not. */
function codeOf(work: () => unknown): string {
  try {
    work();
    return "taken";
  } catch (error) {
    if (error instanceof Problem) return error.code;
    throw error;
  }
}
const good = () => JSON.parse(Buffer.from(INDIVIDUAL, "base64").toString()) as Record<string, unknown>;

describe("headers of OpenGradient's gateways", () => {
  it("are read as Python wrote them, batch by default", () => {
    const expected = {
      type: "batch",
      teeId: `0x${"ab".repeat(32)}`,
      answer: {
        requestHash: "0x5b598c054a4cf49d32963f2cf0a86e21906f2ee663c744478d631fb448013d4e",
        outputHash: "0x3e92a13b68d1868e828788f049395ed44b701955777c5f51f0b3559bb05dbaf8",
        timestamp: 1_767_225_600n,
      },
      signature: new Uint8Array(Array.from({ length: 256 }, (_, i) => i)),
    };
    for (const type of [undefined, "", "batch", " Batch "]) expect(read(type, BATCH)).to.deep.equal(expected);
    expect(read("individual", INDIVIDUAL)).to.deep.equal({ ...expected, type: "individual" });
    expect(readSettlement({ type: "private", data: undefined }, LIMIT)).to.deep.equal({ type: "private" });
  });

  it("are refused by a code that names the wrong field [FM:poison-item]", () => {
    const wrong: [object, string][] = [
      [{ tee_id: undefined }, "bad_tee_id"],
      [{ tee_id: `0x${"ab".repeat(31)}` }, "bad_tee_id"],
      [{ tee_id: 7 }, "bad_tee_id"],
      [{ input_hash: "5b59" }, "bad_input_hash"],
      [{ input_hash: `0x${"zz".repeat(32)}` }, "bad_input_hash"],
      [{ output_hash: null }, "bad_output_hash"],
      [{ output_hash: ["ab".repeat(32)] }, "bad_output_hash"],
      // What the middleware sends where a gateway signed nothing.
      [{ tee_signature: "0x" }, "bad_tee_signature"],
      [{ tee_signature: "" }, "bad_tee_signature"],
      [{ tee_signature: Buffer.alloc(255).toString("base64") }, "bad_tee_signature"],
      [{ tee_signature: `${"!".repeat(344)}` }, "bad_tee_signature"],
      [{ tee_timestamp: null }, "bad_tee_timestamp"],
      [{ tee_timestamp: 1.5 }, "bad_tee_timestamp"],
      [{ tee_timestamp: -1 }, "bad_tee_timestamp"],
      [{ tee_timestamp: "0x10" }, "bad_tee_timestamp"],
      [{ tee_timestamp: 2 ** 40, timestamp: 2 ** 40 }, "bad_tee_timestamp"],
      [{ timestamp: "1767225601" }, "bad_tee_timestamp"],
      [{ eth_address: "0x12" }, "bad_eth_address"],
      [{ eth_address: undefined }, "bad_eth_address"],
      [{ input: undefined }, "missing_input_or_output"],
      [{ output: undefined }, "missing_input_or_output"],
    ];
    for (const [over, code] of wrong)
      expect(
        codeOf(() => read("individual", pythonHeader({ ...good(), ...over }))),
        JSON.stringify(over),
      ).to.equal(code);
    expect(codeOf(() => read("individual", pythonHeader({ ...good(), later: { version: 2 } })))).to.equal("taken");
  });

  it("are refused where they are no base64 of a JSON object, or too large, or of no known type", () => {
    const bytes = (text: string | Uint8Array) => Buffer.from(text).toString("base64");
    const wrong: [string | undefined, string | undefined, string][] = [
      ["everything", BATCH, "unknown_settlement_type"],
      ["batch", undefined, "missing_settlement_data"],
      ["individual", "  ", "missing_settlement_data"],
      ["batch", `${BATCH.slice(0, -4)}`, "malformed_settlement_data"],
      ["batch", `${BATCH}A`, "malformed_settlement_data"],
      ["batch", BATCH.replace("eyJ", "e*J"), "malformed_settlement_data"],
      ["batch", bytes("[]"), "malformed_settlement_data"],
      ["batch", bytes("null"), "malformed_settlement_data"],
      ["batch", bytes("{"), "malformed_settlement_data"],
      ["batch", bytes(new Uint8Array([0x22, 0xff, 0x22])), "malformed_settlement_data"],
    ];
    for (const [type, data, code] of wrong)
      expect(
        codeOf(() => read(type, data)),
        data,
      ).to.equal(code);
    expect(codeOf(() => read("batch", BATCH, BATCH.length))).to.equal("taken");
    expect(codeOf(() => read("batch", BATCH, BATCH.length - 1))).to.equal("header_too_large");
  });

  it("hold no root that anything here would read: a root alone is no item [FM:root-from-caller] [FM:unchecked-evidence]", () => {
    const root = { merkle_root: `0x${"11".repeat(32)}`, batch_size: 20, walrus_blob_id: "blob" };
    expect(codeOf(() => read("batch", pythonHeader(root)))).to.equal("bad_tee_id");
    const withRoot = read("batch", pythonHeader({ ...good(), ...root }));
    expect(Object.keys(withRoot)).to.have.members(["type", "teeId", "answer", "signature"]);
  });

  it("bring whatever they bring to a code or an answer, and to nothing else [FM:poison-item]", () => {
    const values = fc.oneof(fc.string(), fc.integer(), fc.constant(null), fc.constant(undefined), fc.array(fc.nat()));
    const fields = fc.constantFrom(...Object.keys(good()));
    fc.assert(
      fc.property(fields, values, fc.constantFrom("batch", "individual"), (name, value, type) => {
        const code = codeOf(() => read(type, pythonHeader({ ...good(), [name]: value })));
        expect(code).to.match(/^(taken|bad_|missing_input)/);
      }),
    );
    fc.assert(
      fc.property(fc.string(), fc.string(), (type, data) => {
        expect(codeOf(() => read(type, data))).to.be.a("string");
      }),
    );
  });
});

describe("heartbeats of OpenGradient's gateways", () => {
  const signature = Buffer.alloc(256, 7).toString("base64");
  const body = { teeId: `0x${"ab".repeat(32)}`, timestamp: "1767225600", signature, contractAddress: CONTRACT };

  it("are read as the gateway posts them", () => {
    const expected = { teeId: body.teeId, timestamp: 1_767_225_600n, signature: new Uint8Array(256).fill(7) };
    expect(readHeartbeat(body, CONTRACT)).to.deep.equal(expected);
    expect(readHeartbeat({ ...body, contractAddress: undefined }, CONTRACT)).to.deep.equal(expected);
    const upper = `0x${"C0".repeat(20)}`;
    expect(readHeartbeat({ ...body, contractAddress: upper, timestamp: 1_767_225_600 }, CONTRACT)).to.deep.equal(
      expected,
    );
  });

  it("are refused by a code that names the wrong field", () => {
    const wrong: [unknown, string][] = [
      [[], "malformed"],
      [null, "malformed"],
      ["heartbeat", "malformed"],
      [{ ...body, teeId: "ab" }, "bad_tee_id"],
      [{ ...body, timestamp: "soon" }, "bad_tee_timestamp"],
      [{ ...body, signature: "0x" }, "bad_tee_signature"],
      [{ ...body, contractAddress: `0x${"c1".repeat(20)}` }, "wrong_chain"],
      [{ ...body, contractAddress: 5 }, "wrong_chain"],
    ];
    for (const [given, code] of wrong) expect(codeOf(() => readHeartbeat(given, CONTRACT))).to.equal(code);
  });
});

describe("calls of gateway answers", () => {
  const key = (n: number): Uint8Array => new Uint8Array(294).fill(n);
  const item = (n: number, by: number) => ({
    answer: {
      requestHash: toHex(new Uint8Array(32).fill(n)),
      outputHash: toHex(new Uint8Array(32)),
      timestamp: BigInt(n),
    },
    publicKey: key(by),
    signature: new Uint8Array(256).fill(n),
  });
  const items = fc.array(fc.tuple(fc.nat(250), fc.nat(5)), { minLength: 1, maxLength: 60 });

  it("carry every answer once, in order, and name it as the chain does, whatever keys it mixes [R9]", () => {
    fc.assert(
      fc.property(
        items,
        fc.bigInt({ min: 1n, max: 3_000_000n }),
        fc.integer({ min: 1, max: 30_000 }),
        (list, maxGas, maxBytes) => {
          const given = list.map(([n, by]) => item(n, by));
          const calls = planAnswers(given, { maxGas, maxBytes });
          expect(calls.flat()).to.deep.equal(given);
          const named = calls.flatMap((call) => decodeAnswers(encodeAnswers(call)));
          expect(named).to.deep.equal(given.map((one) => gatewayRequestId(gatewayKeyId(one.publicKey), one.answer)));
          // Only an answer that is alone may be larger than the bound; its bytes are not underestimated.
          for (const call of calls.filter((one) => one.length > 1))
            expect((encodeAnswers(call).length - 2) / 2).to.be.at.most(maxBytes);
        },
      ),
    );
  });

  it("are as many as gas requires and no more", () => {
    const twenty = Array.from({ length: 20 }, (_, n) => item(n, 0));
    const gas = (count: number): bigint => 21_000n + 30_000n + 384n * 16n + BigInt(count) * (80_000n + 512n * 16n);
    const sizes = (maxGas: bigint) => planAnswers(twenty, { maxGas, maxBytes: 100_000 }).map((call) => call.length);
    expect(sizes(gas(20))).to.deep.equal([20]);
    expect(sizes(gas(20) - 1n)).to.deep.equal([19, 1]);
    expect(sizes(gas(7))).to.deep.equal([7, 7, 6]);
    expect(sizes(1n)).to.deep.equal(Array(20).fill(1));
  });

  it("read nothing from calldata of other functions", () => {
    expect(decodeAnswers("0x12345678")).to.deep.equal([]);
  });
});
