import { createHash } from 'node:crypto';
import { deflateSync } from 'node:zlib';

/** The object types of gitformat-pack(5). */
export const TYPE = { commit: 1, tree: 2, blob: 3, tag: 4, refDelta: 7 } as const;

/** The header of an object in a pack: its type, and the size that it claims to unpack to. */
export function objectHeader(type: number, size: number): Buffer {
  const bytes: number[] = [];
  let rest = Math.floor(size / 16);
  bytes.push((type << 4) | (size % 16));
  while (rest > 0) {
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) | 0x80;
    bytes.push(rest % 128);
    rest = Math.floor(rest / 128);
  }
  return Buffer.from(bytes);
}

/** An object as it stands in a pack; `claimed` is the size in its header, if not the true one. */
export function packObject(type: number, content: Buffer, claimed = content.length): Buffer {
  return Buffer.concat([objectHeader(type, claimed), deflateSync(content)]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    bytes.push((rest % 128) | (rest >= 128 ? 0x80 : 0));
    if (rest < 128) return Buffer.from(bytes);
  }
}

/** A delta against a base object that claims to make an object of `result` bytes out of it. */
export function packDelta(base: Buffer, baseSize: number, result: number, commands: Buffer): Buffer {
  const delta = Buffer.concat([varint(baseSize), varint(result), commands]);
  return Buffer.concat([objectHeader(TYPE.refDelta, delta.length), base, deflateSync(delta)]);
}

/** The header of a pack that claims so many objects. */
export function packHeader(objects: number): Buffer {
  const header = Buffer.from('PACK\0\0\0\x02\0\0\0\0', 'latin1');
  header.writeUInt32BE(objects, 8);
  return header;
}

/** A pack of these objects, with a true checksum. */
export function packOf(objects: readonly Buffer[], claimed = objects.length): Buffer {
  const body = Buffer.concat([packHeader(claimed), ...objects]);
  return Buffer.concat([body, createHash('sha1').update(body).digest()]);
}

/** The id of an object, as bytes. */
export function objectId(type: string, content: Buffer): Buffer {
  return createHash('sha1').update(`${type} ${content.length}\0`).update(content).digest();
}

/** Ways to spoil a pack, whatever is in it. */
export const SPOILED: readonly (readonly [what: string, spoil: (pack: Buffer) => Buffer])[] = [
  ['cut in the middle, with a proper end of the answer', (pack) => pack.subarray(0, pack.length / 2)],
  ['without its checksum', (pack) => pack.subarray(0, -20)],
  [
    'with a byte turned in the middle',
    (pack) => {
      const spoiled = Buffer.from(pack);
      spoiled[pack.length >> 1] = ~(pack[pack.length >> 1] ?? 0) & 0xff;
      return spoiled;
    },
  ],
  ['with a wrong checksum', (pack) => Buffer.concat([pack.subarray(0, -20), Buffer.alloc(20, 7)])],
  ['of another version', (pack) => Buffer.concat([Buffer.from('PACK\0\0\0\x09'), pack.subarray(8)])],
  ['that is a web page', () => Buffer.from('<!doctype html><title>Not found</title>')],
  ['of fewer objects than it claims', () => packOf([packObject(TYPE.blob, Buffer.from('x'))], 9)],
];
