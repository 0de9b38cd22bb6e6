import { GamError } from '../errors.ts';
import { printable } from '../protocol/text.ts';

/** A range of keys that begin alike, as etcd takes it: from the first to before the last. */
export interface KeyRange {
  key: Buffer;
  range_end: Buffer;
}

/** Where things of a group stand in etcd. Keys are bytes, in UTF-8: other than in a ref's name, all of them may occur. */
export interface EtcdKeys {
  readonly lock: (ref: string) => Buffer;
  readonly locks: KeyRange;
  readonly state: (ref: string) => Buffer;
  readonly states: KeyRange;
  /** The commit of many refs that is under way, or not yet carried on to each of them. */
  readonly wide: Buffer;
  /** A part of such a commit. */
  readonly part: (id: string, number: number) => Buffer;
  readonly parts: (id: string) => KeyRange;
}

const GROUP = /^\w[\w.-]{0,99}$/;

function beneath(prefix: string): KeyRange {
  const key = Buffer.from(prefix);
  const end = Buffer.from(key);
  // All prefixes end with a slash, so one more is no overflow.
  end[end.length - 1] = (end.at(-1) ?? 0) + 1;
  return { key, range_end: end };
}

/** The name that stands behind a range's prefix. */
export function nameIn(range: KeyRange, key: Buffer): string {
  return key.subarray(range.key.length).toString();
}

/**
 * Keys of a group.
 * @throws GamError `bad-config` for a name with anything but letters, digits, `_`, `.` and `-`: one with a slash would
 *   reach into another group
 */
export function etcdKeys(group: string): EtcdKeys {
  if (!GROUP.test(group))
    throw new GamError('bad-config', `${printable(group, 100) || 'nothing'} is no name for a group`, {
      suggestion: 'use letters, digits, _, . and -',
    });
  const top = `gam/${group}/`;
  const partsOf = (id: string) => `${top}parts/${id}/`;
  return {
    lock: (ref) => Buffer.from(`${top}locks/${ref}`),
    locks: beneath(`${top}locks/`),
    state: (ref) => Buffer.from(`${top}state/${ref}`),
    states: beneath(`${top}state/`),
    wide: Buffer.from(`${top}wide`),
    part: (id, number) => Buffer.from(partsOf(id) + `${number}`.padStart(4, '0')),
    parts: (id) => beneath(partsOf(id)),
  };
}
