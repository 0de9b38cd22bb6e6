import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Places } from './places.ts';

/** The mark of a commit that is over. */
export interface Mark {
  transaction: string;
  /** The record that it names. */
  oid: string;
}

/** What a member knows of its gate, and of marks that are left at the arbiter. It may forget all of it: the next push then begins anew. */
export interface GateMemory {
  /** What the gate names; null where that is not known. */
  gate(): string | null;
  keep(oid: string | null): void;
  /** The marks that nobody needs any more. */
  marks(): Mark[];
  note(mark: Mark): void;
  forget(marks: readonly Mark[]): void;
}

const OID = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

function readOid(file: string): string | null {
  try {
    const text = readFileSync(file, 'utf8').trim();
    return OID.test(text) ? text : null;
  } catch {
    return null;
  }
}

/** In files, which many pushes of this member may read and write at a time. */
export function gateMemory({ folder, gate, done }: Places): GateMemory {
  return {
    gate: () => readOid(gate),
    keep: (oid) => {
      if (oid === null) return rmSync(gate, { force: true });
      const draft = `${gate}.${process.pid}`;
      mkdirSync(folder, { recursive: true });
      writeFileSync(draft, `${oid}\n`);
      renameSync(draft, gate);
    },
    marks: () => {
      let names: string[];
      try {
        names = readdirSync(done);
      } catch {
        return [];
      }
      return names.flatMap((transaction) => {
        const oid = readOid(join(done, transaction));
        return oid === null ? [] : [{ transaction, oid }];
      });
    },
    note: ({ transaction, oid }) => {
      mkdirSync(done, { recursive: true });
      writeFileSync(join(done, transaction), `${oid}\n`);
    },
    forget: (marks) => {
      for (const { transaction } of marks) rmSync(join(done, transaction), { force: true });
    },
  };
}
