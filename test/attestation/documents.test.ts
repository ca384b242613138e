import { expect } from "chai";
import { keccak256 } from "ethers";
import {
  cborBytes,
  cborHead,
  cborPcrs,
  cborText,
  newKeys,
  pcr,
  type DocumentWish,
  type Fields,
} from "../../demo/development-authority.ts";
import { anyHints, documentHints, newChain, useNitro } from "./support.ts";

const hex = (text: string): Buffer => Buffer.from(text, "hex");
const ZEROS = Buffer.alloc(48);
const NULL = hex("f6");

/** uint16 length ‖ document ‖ hints. */
function framed(document: Uint8Array, hints: Uint8Array): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(document.length);
  return Buffer.concat([length, document, hints]);
}

const set = (name: string, value: Buffer) => (fields: Fields) =>
  fields.map(([n, v]) => [n, n === name ? value : v] as [string, Buffer]);
const without = (name: string) => (fields: Fields) => fields.filter(([n]) => n !== name);

describe("NitroAttestation: documents", function () {
  this.timeout(600_000);
  const nitro = useNitro((n) => n.cacheAll(n.chain.all));
  const userData = Buffer.alloc(32, 7);
  const secp = Buffer.alloc(64, 3);
  const rsa = Buffer.concat([
    hex("30820122300d06092a864886f70d01010105000382010f003082010a0282010100"),
    Buffer.alloc(256, 0xc3),
    hex("0203010001"),
  ]);

  it("reads a document, and gives the registry what it binds", async () => {
    const n = nitro();
    const made = await n.attest({ publicKey: secp, userData });
    const evidence = n.evidence(made);
    const [kind, publicKey, measurement, data, issuedAt] = await n.nitro.verifyAttestation(evidence);
    expect([kind, Buffer.from(publicKey.slice(2), "hex")]).to.deep.equal([1n, secp]);
    expect(measurement).to.equal(keccak256(Buffer.concat([pcr(0), pcr(1), pcr(2)])));
    expect(Buffer.from(data.slice(2), "hex")).to.deep.equal(userData);
    expect(issuedAt).to.be.closeTo(BigInt(await n.now()), 60n);
    const document = await n.nitro.readDocument(evidence);
    expect(document.moduleId).to.equal("i-0123456789abcdef0-enc0123456789abcdef");
    expect(document.nonce).to.equal("0x");
  });

  it("takes RSA-2048 keys as they stand in a SubjectPublicKeyInfo, and no other kinds", async () => {
    const n = nitro();
    const ask = async (publicKey: Buffer | undefined) =>
      n.nitro.verifyAttestation(n.evidence(await n.attest({ userData, ...(publicKey && { publicKey }) })));
    expect((await ask(rsa)).kind).to.equal(2n);
    const [exponent, small, negative, head] = [rsa, rsa, rsa, rsa].map((key) => Buffer.from(key));
    exponent![293] = 3;
    small![33] = 0x43;
    negative![32] = 1;
    head![5] = 0;
    for (const key of [
      undefined,
      exponent!,
      small!,
      negative!,
      head!,
      Buffer.alloc(32, 1),
      Buffer.alloc(65, 4),
      rsa.subarray(0, 293),
    ])
      await expect(ask(key))
        .to.be.revertedWithCustomError(n.nitro, "NitroAttestation_UnsupportedKey")
        .withArgs(key?.length ?? 0);
  });

  it("reads any user data, and gives the registry 32 bytes only", async () => {
    const n = nitro();
    for (const length of [0, 31, 33, 512]) {
      const evidence = n.evidence(await n.attest({ publicKey: secp, userData: Buffer.alloc(length, 5) }));
      expect((await n.nitro.readDocument(evidence)).userData).to.equal(`0x${"05".repeat(length)}`);
      await expect(n.nitro.verifyAttestation(evidence))
        .to.be.revertedWithCustomError(n.nitro, "NitroAttestation_BadUserData")
        .withArgs(length);
    }
  });

  it("takes the fields in any order", async () => {
    const n = nitro();
    const made = await n.attest({ publicKey: secp, userData, change: (fields) => [...fields].reverse() });
    expect((await n.nitro.readDocument(n.evidence(made))).publicKey).to.equal(`0x${secp.toString("hex")}`);
  });

  const pcrs = (values: [number, Buffer][]) => set("pcrs", cborPcrs(values));
  const three: [number, Buffer][] = [0, 1, 2].map((i) => [i, pcr(i)]);
  const cases: [what: string, error: string, wish: Partial<DocumentWish>][] = [
    ["with a field twice", "BadField", { change: (f) => [...without("nonce")(f), f[0]!] }],
    ["without a field", "BadField", { change: without("nonce") }],
    ["with an unknown field", "BadField", { change: (f) => [...without("nonce")(f), ["salt", NULL]] }],
    ["with a tenth field", "BadField", { change: (f) => [...f, ["salt", NULL]] }],
    ["with a field's name ending in zero", "BadField", { change: (f) => [...without("nonce")(f), ["nonce\0", NULL]] }],
    ["with a field without name", "BadField", { change: (f) => [...without("nonce")(f), ["", NULL]] }],
    ["with a name that goes on", "BadField", { change: (f) => [...without("nonce")(f), ["certificates", NULL]] }],
    ["with another digest", "BadField", { change: set("digest", cborText("SHA512")) }],
    ["with a longer digest", "BadField", { change: set("digest", cborText("SHA3840")) }],
    ["with an empty module id", "BadField", { change: set("module_id", cborText("")) }],
    ["with a module id of 257 bytes", "BadField", { change: set("module_id", cborText("x".repeat(257))) }],
    ["with bytes for text", "Cbor_UnexpectedType", { change: set("digest", cborBytes(Buffer.from("SHA384"))) }],
    ["with text for bytes", "Cbor_UnexpectedType", { change: set("user_data", cborText("x")) }],
    ["with a negative timestamp", "Cbor_UnexpectedType", { change: set("timestamp", hex("20")) }],
    [
      "with a timestamp that has a shorter form",
      "Cbor_BadNumber",
      { change: set("timestamp", hex("1b00000000ffffffff")) },
    ],
    ["with a tagged timestamp", "Cbor_UnexpectedType", { change: set("timestamp", hex("c100")) }],
    ["with a number below 24 in two bytes", "Cbor_BadNumber", { change: set("timestamp", hex("1817")) }],
    ["with a reserved number form", "Cbor_BadNumber", { change: set("timestamp", hex("1c")) }],
    ["with an indefinite string", "Cbor_BadNumber", { change: set("user_data", hex("5f4101ff")) }],
    ["with an indefinite list of certificates", "Cbor_BadNumber", { change: set("cabundle", hex("9f4101ff")) }],
    ["with an indefinite map of registers", "Cbor_BadNumber", { change: set("pcrs", hex("bf004101ff")) }],
    ["with no certificates", "BadField", { change: set("cabundle", hex("80")) }],
    [
      "with nine authorities",
      "BadField",
      { change: set("cabundle", Buffer.concat([hex("89"), ...Array(9).fill(hex("4101"))])) },
    ],
    ["with 2^32 certificates", "BadField", { change: set("cabundle", hex("9b0000000100000000")) }],
    ["with an empty certificate", "BadField", { change: set("certificate", hex("40")) }],
    ["with a certificate of 1,025 bytes", "BadField", { change: set("certificate", cborBytes(Buffer.alloc(1_025))) }],
    [
      "with a certificate of 2^64 − 1 bytes",
      "Cbor_Truncated",
      { change: set("certificate", hex("5bffffffffffffffff")) },
    ],
    ["with a string beyond the end", "Cbor_Truncated", { change: set("nonce", hex("590200")) }],
    ["with a number cut short", "Cbor_Truncated", { change: set("nonce", hex("59")) }],
    ["with an empty public key", "BadField", { change: set("public_key", hex("40")) }],
    ["with a public key of 1,025 bytes", "BadField", { change: set("public_key", cborBytes(Buffer.alloc(1_025))) }],
    ["with user data of 513 bytes", "BadField", { change: set("user_data", cborBytes(Buffer.alloc(513))) }],
    ["with a nonce of 513 bytes", "BadField", { change: set("nonce", cborBytes(Buffer.alloc(513))) }],
    ["without registers", "BadField", { change: pcrs([]) }],
    ["without PCR2", "BadField", { change: pcrs(three.slice(0, 2)) }],
    ["without PCR0", "BadField", { change: pcrs(three.slice(1)) }],
    ["with PCR1 twice", "BadField", { change: pcrs([...three, [1, pcr(9)]]) }],
    ["with PCR32", "BadField", { change: pcrs([...three, [32, pcr(9)]]) }],
    ["with 33 registers", "BadField", { change: set("pcrs", Buffer.concat([cborHead(5, 33), hex("00")])) }],
    ["with registers of 32 bytes", "BadField", { change: pcrs([...three, [3, pcr(9).subarray(16)]]) }],
    ["of a debug enclave", "DebugEnclave", { change: pcrs([0, 1, 2].map((i) => [i, ZEROS])) }],
    [
      "with a zero PCR0",
      "DebugEnclave",
      {
        change: pcrs([
          [0, ZEROS],
          [1, pcr(1)],
          [2, pcr(2)],
        ]),
      },
    ],
    [
      "with a zero PCR2",
      "DebugEnclave",
      {
        change: pcrs([
          [0, pcr(0)],
          [1, pcr(1)],
          [2, ZEROS],
        ]),
      },
    ],
    ["with bytes behind the map", "BadField", { payload: (right) => Buffer.concat([right, NULL]) }],
    [
      "with a map that is an array",
      "Cbor_UnexpectedType",
      { payload: (right) => Buffer.concat([hex("89"), right.subarray(1)]) },
    ],
    [
      "with an indefinite map",
      "Cbor_BadNumber",
      { payload: (right) => Buffer.concat([hex("bf"), right.subarray(1), hex("ff")]) },
    ],
    [
      "with nine fields counted in two bytes",
      "Cbor_BadNumber",
      { payload: (right) => Buffer.concat([hex("b809"), right.subarray(1)]) },
    ],
    ["with an empty payload", "Cbor_Truncated", { payload: () => Buffer.alloc(0) }],
    ["with a tag", "Cbor_UnexpectedType", { envelope: (right) => Buffer.concat([hex("d2"), right]) }],
    ["of five parts", "BadEnvelope", { envelope: (right) => Buffer.concat([hex("85"), right.subarray(1), NULL]) }],
    [
      "in an indefinite list",
      "Cbor_BadNumber",
      { envelope: (right) => Buffer.concat([hex("9f"), right.subarray(1), hex("ff")]) },
    ],
    ["of ES256", "BadEnvelope", { envelope: (right) => Buffer.concat([hex("8443a10126a0"), right.subarray(7)]) }],
    [
      "with an unprotected header",
      "BadEnvelope",
      { envelope: (right) => Buffer.concat([right.subarray(0, 6), hex("a1013822"), right.subarray(7)]) },
    ],
    ["with bytes behind", "BadEnvelope", { envelope: (right) => Buffer.concat([right, hex("00")]) }],
    [
      "with a signature of 95 bytes",
      "BadEnvelope",
      { envelope: (right) => Buffer.concat([right.subarray(0, -98), cborBytes(Buffer.alloc(95, 1))]) },
    ],
    ["with no signature", "Cbor_Truncated", { envelope: (right) => right.subarray(0, -98) }],
  ];
  for (const [what, error, wish] of cases) {
    it(`refuses a document ${what}, though its signature is right`, async () => {
      const n = nitro();
      const made = await n.attest({ publicKey: secp, userData, ...wish });
      let hints = anyHints();
      try {
        hints = documentHints(made);
      } catch {
        // What cannot be read off chain has no hints of its own; the form is looked at first.
      }
      const name = error.startsWith("Cbor") ? error : `NitroAttestation_${error}`;
      await expect(n.nitro.readDocument(framed(made, hints))).to.be.revertedWithCustomError(n.harness, name);
    });
  }

  it("refuses another signer than the enclave's certificate, and a signature over something else", async () => {
    const n = nitro();
    const wrong = await n.attest({ publicKey: secp, userData, signer: newKeys() });
    await expect(n.nitro.readDocument(framed(wrong, anyHints()))).to.be.revertedWithCustomError(
      n.es384,
      "P384_NotProved",
    );
    const right = await n.attest({ publicKey: secp, userData });
    const other = await n.attest({ publicKey: Buffer.alloc(64, 4), userData });
    const mixed = Buffer.concat([other.subarray(0, -96), right.subarray(-96)]);
    await expect(n.nitro.readDocument(framed(mixed, documentHints(right)))).to.be.revertedWithCustomError(
      n.es384,
      "P384_NotProved",
    );
  });

  it("refuses a document with any byte of its structure changed", async () => {
    const n = nitro();
    const made = await n.attest({ publicKey: secp, userData });
    const hints = documentHints(made);
    const [taken] = await n.harness.reads(n.nitro, framed(made, hints));
    expect(taken).to.equal(true);
    // All heads, names and the signature; in certificates and registers, which are long and uniform, a sample.
    const long = [...n.chain.all.map((c) => c.der), Buffer.alloc(48), pcr(0), pcr(1), pcr(2)];
    const sampled = new Set<number>();
    for (const part of long)
      for (let at = made.indexOf(part); at >= 0; at = made.indexOf(part, at + 48))
        for (let i = 4; i < part.length; i++) if (i % 61 !== 7) sampled.add(at + i);
    for (let place = 0; place < made.length; place++) {
      if (sampled.has(place)) continue;
      const wrong = Buffer.from(made);
      wrong[place]! ^= 1 << (place & 7);
      expect((await n.harness.reads(n.nitro, framed(wrong, hints)))[0], `byte ${place}`).to.equal(false);
    }
  });

  it("refuses a frame that is too short for what it says", async () => {
    const n = nitro();
    for (const evidence of ["0x", "0x00", "0x0001", "0xffff00"])
      await expect(n.nitro.readDocument(evidence)).to.be.revertedWithCustomError(
        n.nitro,
        "NitroAttestation_BadEnvelope",
      );
    await expect(n.nitro.readDocument("0x0000")).to.be.revertedWithCustomError(n.harness, "Cbor_Truncated");
  });

  it("refuses chains in another order, cut short, from another root, or ending in an authority", async () => {
    const n = nitro();
    const { root, region, zone, instance, enclave } = n.chain;
    const foreign = newChain(await n.now());
    const refused: [readonly (typeof root)[], string][] = [
      [[root, zone, region, instance, enclave], "UnknownCertificate"],
      [[root, region, zone, enclave], "UnknownCertificate"],
      [[region, zone, instance, enclave], "UnknownCertificate"],
      [[root, root, region, zone, instance, enclave], "UnknownCertificate"],
      [foreign.all, "UnknownCertificate"],
      [[root, region, zone, instance], "WrongRole"],
      [[root, region, zone, instance, enclave, enclave], "UnknownCertificate"],
    ];
    for (const [chain, error] of refused) {
      const made = await n.attest({ chain, publicKey: secp, userData });
      await expect(n.nitro.readDocument(framed(made, documentHints(made)))).to.be.revertedWithCustomError(
        n.nitro,
        `NitroAttestation_${error}`,
      );
    }
  });

  it("refuses a document once a certificate of its chain has expired, and one made outside its signer's validity", async () => {
    const n = nitro();
    const now = await n.now();
    for (const moment of [now - 600, now + 20_000]) {
      const early = await n.attest({ timestamp: moment * 1000, publicKey: secp, userData });
      await expect(n.nitro.readDocument(framed(early, documentHints(early)))).to.be.revertedWithCustomError(
        n.nitro,
        "NitroAttestation_BadTimestamp",
      );
    }
    const evidence = n.evidence(await n.attest({ publicKey: secp, userData }));
    const end = (await n.nitro.certificateOf(keccak256(n.chain.enclave.der))).notAfter;
    await n.networkHelpers.time.increaseTo(end);
    await n.nitro.readDocument(evidence);
    await n.networkHelpers.time.increaseTo(end + 1n);
    await expect(n.nitro.readDocument(evidence)).to.be.revertedWithCustomError(
      n.nitro,
      "NitroAttestation_OutsideValidity",
    );
  });
});
