import { expect } from "chai";
import { keccak256, sha256, ZeroHash } from "ethers";
import {
  BASIC_CONSTRAINTS,
  KEY_USAGE,
  commonName,
  der,
  extension,
  integer,
  issue,
  newKeys,
  utcTime,
  type Draft,
  type Issued,
  type Wish,
} from "../../demo/development-authority.ts";
import { anyHints, hintsOf, newChain, useNitro, variant } from "./support.ts";

const hex = (text: string): Buffer => Buffer.from(text, "hex");
const ROLE = { none: 0n, root: 1n, authority: 2n, enclave: 3n };
const DAY = 86_400;

describe("NitroAttestation: certificates", function () {
  this.timeout(300_000);
  const nitro = useNitro(async (n) => {
    await n.nitro.cacheRoot(n.chain.root.der);
  });

  it("caches a chain one certificate at a time, and says what each may do", async () => {
    const n = nitro();
    const { root, region, zone, instance, enclave } = n.chain;
    const limits = [2n, 1n, 0n];
    for (const [i, [parent, own]] of [
      [root, region],
      [region, zone],
      [zone, instance],
    ].entries()) {
      const sent = n.cache(parent!.der, own!.der);
      const [hash, above] = [keccak256(own!.der), keccak256(parent!.der)];
      await expect(sent).to.emit(n.nitro, "CertificateCached");
      const known = await n.nitro.certificateOf(hash);
      expect([known.role, known.pathLength, known.parent]).to.deep.equal([ROLE.authority, limits[i], above]);
    }
    await n.cache(instance.der, enclave.der);
    const known = await n.nitro.certificateOf(keccak256(enclave.der));
    expect([known.role, known.pathLength, known.parent]).to.deep.equal([ROLE.enclave, 0n, keccak256(instance.der)]);
    expect(known.notAfter - known.notBefore).to.equal(10_860n);
    expect((await n.nitro.certificateOf(keccak256(root.der))).role).to.equal(ROLE.root);
    expect(await n.nitro.certificateOf(ZeroHash)).to.deep.equal([ROLE.none, 0n, 0n, 0n, ZeroHash]);
  });

  it("does nothing a second time, whatever the hints", async () => {
    const n = nitro();
    const { root, region } = n.chain;
    await n.cache(root.der, region.der);
    await expect(n.cache(root.der, region.der, Buffer.alloc(0))).to.not.emit(n.nitro, "CertificateCached");
    await expect(n.nitro.cacheRoot(root.der)).to.not.emit(n.nitro, "CertificateCached");
  });

  it("takes only the pinned root as root", async () => {
    const n = nitro();
    const other = newChain(await n.now()).root;
    await expect(n.nitro.cacheRoot(other.der))
      .to.be.revertedWithCustomError(n.nitro, "NitroAttestation_NotTheRoot")
      .withArgs(sha256(other.der));
  });

  it("refuses what stands in another order: a certificate whose issuer is not cached, or is not its issuer", async () => {
    const n = nitro();
    const { root, region, zone } = n.chain;
    await expect(n.cache(region.der, zone.der))
      .to.be.revertedWithCustomError(n.nitro, "NitroAttestation_UnknownCertificate")
      .withArgs(keccak256(region.der));
    await expect(n.cache(root.der, zone.der)).to.be.revertedWithCustomError(n.nitro, "NitroAttestation_WrongIssuer");
    await expect(n.cache(root.der, root.der)).to.be.revertedWithCustomError(n.nitro, "NitroAttestation_WrongRole");
    // The right name over the wrong key.
    const impostor: Issued = { ...root, keys: newKeys() };
    await expect(
      n.cache(root.der, variant(impostor, await n.now(), { authority: 1 }).der, anyHints()),
    ).to.be.revertedWithCustomError(n.es384, "P384_NotProved");
  });

  const cases: [what: string, error: string, change: (w: Wish, now: number) => void][] = [
    ["expired", "NitroAttestation_OutsideValidity", (w, now) => (w.to = now - 1)],
    ["not yet valid", "NitroAttestation_OutsideValidity", (w, now) => (w.from = now + 3_600)],
    [
      "an authority that may not sign certificates",
      "NitroAttestation_WrongRole",
      draft((d) => (d.extensions[1] = extension(KEY_USAGE, true, hex("03020780")))),
    ],
    [
      "no authority, but may sign certificates",
      "NitroAttestation_WrongRole",
      draft((d) => (d.extensions[0] = extension(BASIC_CONSTRAINTS, true, hex("3000")))),
    ],
    [
      "an enclave that may not sign data",
      "NitroAttestation_WrongRole",
      draft(
        (d) =>
          (d.extensions = [
            extension(BASIC_CONSTRAINTS, true, hex("3000")),
            extension(KEY_USAGE, true, hex("03020308")),
          ]),
      ),
    ],
    ["without basic constraints", "X509_MissingExtension", draft((d) => d.extensions.shift())],
    ["without key usage", "X509_MissingExtension", draft((d) => d.extensions.pop())],
    [
      "an authority with constraints that are not critical",
      "X509_MissingExtension",
      draft((d) => (d.extensions[0] = extension(BASIC_CONSTRAINTS, false, hex("30030101ff")))),
    ],
    [
      "with an unknown critical extension",
      "X509_RefusedExtension",
      draft((d) => d.extensions.push(extension("551d1e", true, hex("3000")))),
    ],
    [
      "with an extension twice",
      "X509_RefusedExtension",
      draft((d) =>
        d.extensions.push(extension("551d0e", false, hex("0400")), extension("551d0e", false, hex("0401aa"))),
      ),
    ],
    [
      "with seventeen extensions",
      "X509_TooManyExtensions",
      draft((d) =>
        d.extensions.push(
          ...Array.from({ length: 15 }, (_, i) => extension(`551d${(64 + i).toString(16)}`, false, hex("0400"))),
        ),
      ),
    ],
    [
      "with FALSE written out",
      "X509_BadExtension",
      draft((d) => (d.extensions[1] = der(0x30, hex("0603551d0f"), hex("010100"), der(0x04, hex("03020186"))))),
    ],
    [
      "with TRUE other than 0xff",
      "X509_BadExtension",
      draft((d) => (d.extensions[0] = extension(BASIC_CONSTRAINTS, true, hex("3003010101")))),
    ],
    [
      "with a negative path length",
      "X509_BadExtension",
      draft((d) => (d.extensions[0] = extension(BASIC_CONSTRAINTS, true, hex("30060101ff020180")))),
    ],
    [
      "with a path length in two bytes",
      "X509_BadExtension",
      draft((d) => (d.extensions[0] = extension(BASIC_CONSTRAINTS, true, hex("30070101ff02020001")))),
    ],
    [
      "with bytes behind its constraints",
      "Der_TrailingBytes",
      draft((d) => (d.extensions[0] = extension(BASIC_CONSTRAINTS, true, hex("30030101ff00")))),
    ],
    [
      "with a key usage that ends in zero bits",
      "X509_BadExtension",
      draft((d) => (d.extensions[1] = extension(KEY_USAGE, true, hex("03020086")))),
    ],
    [
      "with an empty key usage",
      "X509_BadExtension",
      draft((d) => (d.extensions[1] = extension(KEY_USAGE, true, hex("030100")))),
    ],
    ["of version 1", "X509_Unsupported", draft((d) => (d.version = Buffer.alloc(0)))],
    ["of version 2", "X509_Unsupported", draft((d) => (d.version = hex("a003020101")))],
    [
      "with another algorithm inside",
      "X509_Unsupported",
      draft((d) => (d.algorithm = hex("300a06082a8648ce3d040302"))),
    ],
    [
      "with another algorithm outside",
      "X509_Unsupported",
      draft((d) => (d.outerAlgorithm = hex("300a06082a8648ce3d040302"))),
    ],
    [
      "with algorithm parameters",
      "X509_Unsupported",
      draft((d) => (d.algorithm = hex("300c06082a8648ce3d0403030500"))),
    ],
    ["with a serial number of zero", "Der_BadInteger", draft((d) => (d.serial = hex("020100")))],
    ["with a negative serial number", "Der_BadInteger", draft((d) => (d.serial = hex("0201ff")))],
    ["with a serial number padded by zero", "Der_BadInteger", draft((d) => (d.serial = hex("02020001")))],
    ["with an empty serial number", "Der_BadInteger", draft((d) => (d.serial = hex("0200")))],
    ["with a serial number of 21 bytes", "Der_BadInteger", draft((d) => (d.serial = integer(Buffer.alloc(21, 1))))],
    [
      "with a key of another curve",
      "X509_Unsupported",
      draft((d) => (d.key = hex("3059301306072a8648ce3d020106082a8648ce3d030107034200" + "04".padEnd(130, "1")))),
    ],
    [
      "with a compressed key",
      "X509_Unsupported",
      draft((d) => (d.key = hex("3046301006072a8648ce3d020106052b81040022033200" + "02".padEnd(98, "1")))),
    ],
    [
      "with a time that has no Z",
      "Der_BadTime",
      draft((d) => (d.validity = der(0x30, der(0x17, Buffer.from("2601010000000")), utcTime(4e9)))),
    ],
    [
      "with a time without seconds",
      "Der_BadTime",
      draft((d) => (d.validity = der(0x30, der(0x17, Buffer.from("2601010000Z")), utcTime(2e9)))),
    ],
    [
      "with month 13",
      "Der_BadTime",
      draft((d) => (d.validity = der(0x30, der(0x17, Buffer.from("261301000000Z")), utcTime(2e9)))),
    ],
    [
      "with 30 February",
      "Der_BadTime",
      draft((d) => (d.validity = der(0x30, der(0x17, Buffer.from("240230000000Z")), utcTime(2e9)))),
    ],
    [
      "with hour 24",
      "Der_BadTime",
      draft((d) => (d.validity = der(0x30, der(0x17, Buffer.from("240101240000Z")), utcTime(2e9)))),
    ],
    [
      "with a letter in a time",
      "Der_BadTime",
      draft((d) => (d.validity = der(0x30, der(0x17, Buffer.from("24010100000:Z")), utcTime(2e9)))),
    ],
    [
      "with the long form of a time before 2050",
      "Der_BadTime",
      draft((d) => (d.validity = der(0x30, der(0x18, Buffer.from("20240101000000Z")), utcTime(2e9)))),
    ],
    [
      "with a third time",
      "Der_TrailingBytes",
      draft((d) => (d.validity = der(0x30, utcTime(1e9), utcTime(2e9), utcTime(2e9)))),
    ],
    ["with something behind its extensions", "Der_TrailingBytes", draft((d) => (d.tail = hex("0500")))],
    ["with an indefinite length", "Der_BadLength", draft((d) => (d.subject = hex("30800000")))],
    [
      "with a length in too many bytes",
      "Der_BadLength",
      draft((d) => (d.subject = Buffer.concat([hex("3081"), commonName("variant").subarray(1)]))),
    ],
    ["with a length beyond its container", "Der_BadLength", draft((d) => (d.subject = hex("3082ffff")))],
    ["with a length of four bytes", "Der_BadLength", draft((d) => (d.subject = hex("3084ffffffff")))],
    [
      "with r padded by zero",
      "Der_BadInteger",
      draft((d) => (d.signature = () => der(0x30, hex("02020001"), hex("020101")))),
    ],
    [
      "with a negative s",
      "Der_BadInteger",
      draft((d) => (d.signature = () => der(0x30, hex("020101"), hex("020181")))),
    ],
    [
      "with r of 49 bytes",
      "Der_BadInteger",
      draft((d) => (d.signature = () => der(0x30, integer(Buffer.alloc(49, 1)), hex("020101")))),
    ],
    [
      "with a third number in its signature",
      "Der_TrailingBytes",
      draft((d) => (d.signature = () => der(0x30, hex("020101"), hex("020101"), hex("020101")))),
    ],
    [
      "with bytes behind its signature",
      "Der_TrailingBytes",
      draft((d) => (d.signature = (right) => Buffer.concat([right, hex("00")]))),
    ],
    [
      "of more than 1,024 bytes",
      "X509_Unsupported",
      draft((d) => d.extensions.push(extension("551d0e", false, der(0x04, Buffer.alloc(700))))),
    ],
  ];
  function draft(change: (d: Draft) => unknown) {
    return (w: Wish): void => {
      w.change = (d) => void change(d);
    };
  }
  for (const [what, error, change] of cases) {
    it(`refuses a certificate ${what}, though its signature is right`, async () => {
      const n = nitro();
      const now = await n.now();
      const wish: Wish = { name: "variant", authority: 1, from: now - 60, to: now + DAY };
      change(wish, now);
      const made = issue(n.chain.root, wish);
      const call = n.nitro.cacheCertificate.staticCall(n.chain.root.der, made.der, hintsOf(n.chain.root.der, made.der));
      const origin = error.startsWith("NitroAttestation") ? n.nitro : n.harness;
      await expect(call).to.be.revertedWithCustomError(origin, error);
    });
  }

  it("takes what only looks unusual: unknown extensions that are not critical, nine usage bits, dates from 2050", async () => {
    const n = nitro();
    const now = await n.now();
    const made = variant(n.chain.root, now, {
      authority: true,
      change: (d) => {
        d.extensions[1] = extension(KEY_USAGE, false, hex("0303078680"));
        d.extensions.push(extension("2b0601040181", false, hex("abcd")));
        d.validity = der(0x30, utcTime(now - 60), der(0x18, Buffer.from("20500101000000Z")));
      },
    });
    await n.cache(n.chain.root.der, made.der);
    const known = await n.nitro.certificateOf(keccak256(made.der));
    expect([known.role, known.pathLength, known.notAfter]).to.deep.equal([ROLE.authority, 255n, 2_524_608_000n]);
  });

  it("reads the calendar as JavaScript does", async () => {
    const n = nitro();
    const moments = [0, 86_399, 951_782_400, 951_868_799, 1_709_164_800, 1_735_689_599, 2_524_607_999, 1_078_012_800];
    for (let i = 0; i < 60; i++) moments.push(Math.floor((i + 0.37) * 41_000_000));
    for (const moment of moments) {
      const made = issue(n.chain.root, { name: "x", from: Math.min(moment, 2_524_607_999), to: 2_524_607_999 });
      const parsed = await n.harness.parseCertificate(made.der);
      expect(parsed.notBefore).to.equal(BigInt(Math.min(moment, 2_524_607_999)));
      expect(parsed.notAfter).to.equal(2_524_607_999n);
    }
  });

  it("counts path lengths down, whatever a certificate says itself", async () => {
    const n = nitro();
    const now = await n.now();
    const { root } = n.chain;
    const first = variant(root, now, { name: "first", authority: 1 });
    const second = variant(first, now, { name: "second", authority: 9 });
    const third = variant(second, now, { name: "third", authority: 9 });
    const leaf = variant(second, now, { name: "leaf", authority: false });
    await n.cache(root.der, first.der);
    await n.cache(first.der, second.der);
    expect((await n.nitro.certificateOf(keccak256(second.der))).pathLength).to.equal(0n);
    await expect(n.cache(second.der, third.der)).to.be.revertedWithCustomError(n.nitro, "NitroAttestation_WrongRole");
    await n.cache(second.der, leaf.der);
    const below = variant(leaf, now, { name: "below", authority: false });
    await expect(n.cache(leaf.der, below.der)).to.be.revertedWithCustomError(n.nitro, "NitroAttestation_WrongRole");
  });

  it("refuses a certificate with any byte changed", async () => {
    const n = nitro();
    const { root, region } = n.chain;
    const hints = hintsOf(root.der, region.der);
    for (let place = 0; place < region.der.length; place++) {
      const wrong = Buffer.from(region.der);
      wrong[place]! ^= 1 << (place & 7);
      const [taken] = await n.harness.caches.staticCall(n.nitro, root.der, wrong, hints);
      expect(taken, `byte ${place}`).to.equal(false);
    }
    for (const length of [0, 1, 2, 3, 4, 100, region.der.length - 1])
      expect((await n.harness.caches.staticCall(n.nitro, root.der, region.der.subarray(0, length), hints))[0]).to.equal(
        false,
      );
    expect(
      (await n.harness.caches.staticCall(n.nitro, root.der, Buffer.concat([region.der, hex("00")]), hints))[0],
    ).to.equal(false);
    expect((await n.harness.caches.staticCall(n.nitro, root.der, region.der, hints))[0]).to.equal(true);
  });

  it("changes a certificate's parent when another issuer of the same name and key is cached, and keeps its standing", async () => {
    const n = nitro();
    const now = await n.now();
    const { root } = n.chain;
    const keys = newKeys();
    const [one, two] = [DAY, 2 * DAY].map((life) =>
      issue(root, { name: "twice", keys, from: now - 60, to: now + life }),
    );
    const leaf = variant(one!, now, { name: "leaf", authority: false });
    for (const parent of [one!, two!]) await n.cache(root.der, parent.der);
    await n.cache(one!.der, leaf.der);
    await n.nitro.connect(n.signers.guardian).freeze(keccak256(leaf.der));
    await n.cache(two!.der, leaf.der);
    expect((await n.nitro.certificateOf(keccak256(leaf.der))).parent).to.equal(keccak256(two!.der));
    expect((await n.nitro.standing(keccak256(leaf.der))).freezeSpent).to.equal(true);
  });
});
