// SPDX-License-Identifier: GPL-3.0-or-later

/** The container that iden3's tools share: a magic word, a version, then sections with an id and a length. */
export interface Section {
  readonly id: number;
  readonly data: Uint8Array;
}

/** Joins sections into one file image. */
export function writeBinaryFile(magic: string, version: number, sections: readonly Section[]): Uint8Array {
  const length = 12 + sections.reduce((sum, { data }) => sum + 12 + data.length, 0);
  const file = new Uint8Array(length);
  const view = new DataView(file.buffer);
  file.set(new TextEncoder().encode(magic), 0);
  view.setUint32(4, version, true);
  view.setUint32(8, sections.length, true);
  let offset = 12;
  for (const { id, data } of sections) {
    view.setUint32(offset, id, true);
    view.setBigUint64(offset + 4, BigInt(data.length), true);
    file.set(data, offset + 12);
    offset += 12 + data.length;
  }
  return file;
}

/** Splits a file image; each id may occur once only, because nothing here writes a section twice. */
export function readBinaryFile(file: Uint8Array, magic: string): Map<number, Uint8Array> {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const found = new TextDecoder().decode(file.subarray(0, 4));
  if (found !== magic) throw new Error(`Not a ${magic} file: it starts with ${JSON.stringify(found)}`);
  const sections = new Map<number, Uint8Array>();
  let offset = 12;
  for (let i = view.getUint32(8, true); i > 0; i--) {
    const id = view.getUint32(offset, true);
    const length = Number(view.getBigUint64(offset + 4, true));
    const end = offset + 12 + length;
    if (end > file.length) throw new Error(`Truncated ${magic} file: section ${id} ends at ${end} of ${file.length}`);
    if (sections.has(id)) throw new Error(`Section ${id} occurs twice in a ${magic} file`);
    sections.set(id, file.subarray(offset + 12, end));
    offset = end;
  }
  return sections;
}

/** The section or an error that names it. */
export function section(sections: Map<number, Uint8Array>, id: number): Uint8Array {
  const data = sections.get(id);
  if (data === undefined) throw new Error(`Section ${id} is missing`);
  return data;
}
