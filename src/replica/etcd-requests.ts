import type { ICompare, IRequestOp } from 'etcd3';
import type { KeyRange } from './etcd-keys.ts';

/** Holds where a key stands with this value; null: where it does not stand. */
export function stands(key: Buffer, value: string | null): ICompare {
  return value === null
    ? { key, target: 'Version', result: 'Equal', version: 0 }
    : { key, target: 'Value', result: 'Equal', value: Buffer.from(value) };
}

/** Holds where a key stands, whatever its value. */
export function isThere(key: Buffer): ICompare {
  return { key, target: 'Version', result: 'Greater', version: 0 };
}

/** Holds where a key was made at this revision, and not gone and made anew since. */
export function madeAt(key: Buffer, revision: string): ICompare {
  return { key, target: 'Create', result: 'Equal', create_revision: revision };
}

/** Holds where a key was last written at this revision. */
export function writtenAt(key: Buffer, revision: string): ICompare {
  return { key, target: 'Mod', result: 'Equal', mod_revision: revision };
}

/** Writes a key, tied to a lease or to none; null takes it away. */
export function write(key: Buffer, value: string | Buffer | null, lease = '0'): IRequestOp {
  return value === null
    ? { request_delete_range: { key } }
    : { request_put: { key, value: Buffer.from(value), lease } };
}

/** Leaves a key as it is, and tied to no lease any more. */
export function untie(key: Buffer): IRequestOp {
  return { request_put: { key, ignore_value: true, lease: '0' } };
}

/** Takes away all that stands in a range. */
export function clear(range: KeyRange): IRequestOp {
  return { request_delete_range: range };
}

/** Reads a key. */
export function look(key: Buffer): IRequestOp {
  return { request_range: { key } };
}
