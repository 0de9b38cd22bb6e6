import type { IKeyValue } from 'etcd3';
import { GamError } from '../errors.ts';
import type { EtcdCluster } from './etcd-cluster.ts';
import { type EtcdKeys, nameIn } from './etcd-keys.ts';
import { parsePart, parseWideRecord, type RefValue, type WideRecord } from './etcd-parts.ts';
import { look } from './etcd-requests.ts';

/** A cluster may be told at any moment to forget what was. */
const ATTEMPTS = 3;

/** The commit of many refs that a key tells of; null where there is none. */
export function wideRecordIn(kv: IKeyValue | undefined, { wide }: EtcdKeys): WideRecord | null {
  if (kv === undefined) return null;
  const record = parseWideRecord(kv.value.toString());
  if (record !== null) return record;
  // Whatever it means, without it nothing can be said of what refs are meant to be.
  throw unreadable(wide.toString());
}

/**
 * What a commit of many refs makes of each of them.
 * @param revision at which it stood
 * @throws GamError `member-refused` for parts that nobody has written so
 */
export async function readParts(
  cluster: EtcdCluster,
  keys: EtcdKeys,
  record: WideRecord,
  revision: string,
): Promise<RefValue[]> {
  const values: RefValue[] = [];
  let parts = 0;
  // Parts are read one by one: each is half a megabyte.
  for await (const { key, value } of cluster.read(keys.parts(record.id), revision, 1)) {
    const part = parsePart(value);
    if (part === null) throw unreadable(key.toString());
    for (const one of part) values.push(one);
    parts += 1;
  }
  if (parts !== record.parts) throw unreadable(keys.parts(record.id).key.toString());
  return values;
}

/**
 * What refs are meant to be, at one moment: what stands for each, and over it what a commit of many refs says that has not been carried on
 * to all of them.
 *
 * @throws GamError `member-unreachable`, `member-refused`
 */
export async function readState(cluster: EtcdCluster, keys: EtcdKeys): Promise<Map<string, string>> {
  for (let attempts = 1; ; attempts += 1) {
    try {
      return await readAtOnce(cluster, keys);
    } catch (error) {
      if (attempts === ATTEMPTS || !cluster.isForgotten(error)) throw error;
    }
  }
}

async function readAtOnce(cluster: EtcdCluster, keys: EtcdKeys): Promise<Map<string, string>> {
  const { found, revision } = await cluster.txn({ success: [look(keys.wide)] });
  const state = new Map<string, string>();
  for await (const { key, value } of cluster.read(keys.states, revision))
    state.set(nameIn(keys.states, key), value.toString());
  const record = wideRecordIn(found[0]?.[0], keys);
  if (record?.phase !== 'committed') return state;
  for (const { ref, oid } of await readParts(cluster, keys, record, revision)) {
    if (oid === null) state.delete(ref);
    else state.set(ref, oid);
  }
  return state;
}

function unreadable(key: string): GamError {
  return new GamError('member-refused', `etcd holds under ${key} what no gam of this version has written`, {
    suggestion: 'use the same version of gam on all members',
  });
}
