// SPDX-License-Identifier: GPL-3.0-or-later
import { expect } from "chai";
import fc from "fast-check";
import { COMMITMENT_TAG, packBytes, poseidonHash, saltedCommitment } from "../../circuits/commitment.ts";

describe("salted commitment", () => {
  it("hashes as circomlib's own test vectors do", () => {
    // From circomlib's and circomlibjs's tests.
    expect(poseidonHash([1n, 2n])).to.equal(
      7853200120776062878684798364095072458815029376092732009249414926327459813530n,
    );
    expect(poseidonHash([1n, 2n, 3n, 4n])).to.equal(
      18821383157269793795438455681495246036402687001665670618754263018637548127333n,
    );
  });

  it("takes 1 to 16 inputs a hash and no more [ZK6]", () => {
    expect(() => poseidonHash([])).to.throw(RangeError);
    expect(() => poseidonHash(Array.from<bigint>({ length: 17 }).fill(1n))).to.throw(RangeError);
    expect(poseidonHash(Array.from<bigint>({ length: 16 }).fill(1n)) > 0n).to.equal(true);
  });

  it("chains with tag, length and salt first [ZK6]", () => {
    const values = Array.from({ length: 31 * 14 }, (_, index) => index % 256);
    const elements = packBytes(values, 31);
    const first = poseidonHash([COMMITMENT_TAG, BigInt(values.length), 9n, ...elements.slice(0, 13)]);
    expect(saltedCommitment(values, 9n)).to.equal(poseidonHash([first, elements[13]!]));
  });

  it("differs for other values, other lengths and other salts [ZK6]", () => {
    const bytes = fc.uint8Array({ minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(bytes, bytes, fc.bigInt(1n, 2n ** 250n), (a, b, salt) => {
        fc.pre(Buffer.compare(a, b) !== 0);
        expect(saltedCommitment(a, salt)).not.to.equal(saltedCommitment(b, salt));
        expect(saltedCommitment(a, salt)).not.to.equal(saltedCommitment(a, salt + 1n));
      }),
      { numRuns: 20 },
    );
    expect(saltedCommitment([0], 1n)).not.to.equal(saltedCommitment([0, 0], 1n));
  });

  it("packs injectively, the first value in the lowest byte", () => {
    expect(packBytes([1, 2, 3], 2)).to.deep.equal([0x0201n, 3n]);
    const most = packBytes(Array.from<number>({ length: 31 }).fill(255), 31);
    expect(most).to.deep.equal([2n ** 248n - 1n]);
  });
});
