import { fsckComplaints, leftovers } from '../../helpers/evidence.ts';
import { asCloned, asFetched, compareRefs } from '../../helpers/refs.ts';
import type { Sandbox } from '../../helpers/sandbox.ts';
import { count } from './figures.ts';
import type { Run } from './runs.ts';

/** One promise, whether it was kept, and what speaks against it. */
export interface Check {
  title: string;
  result: string;
  problems: readonly string[];
}

/** Checks every clone: each ref against canonical, the objects by fsck, and that nothing is left over. */
export async function checkClones(
  sandbox: Sandbox,
  canonical: string,
  clones: readonly Run[],
  fetches: readonly Run[],
): Promise<Check[]> {
  const runs = [...clones, ...fetches];
  let refs = 0;
  const wrong: string[] = [];
  for (const run of runs) {
    const mapping = clones.includes(run) ? asCloned : asFetched;
    const compared = await compareRefs(sandbox, run.clone, canonical, mapping);
    refs += compared.expected;
    wrong.push(...compared.differences.map((difference) => `${run.clone}: ${difference}`));
  }
  const each = async (look: (clone: string) => Promise<readonly string[]>) => {
    const found = await Promise.all(
      runs.map(async ({ clone }) => (await look(clone)).map((p) => `${clone}: ${p}`)),
    );
    return found.flat();
  };
  const complaints = await each((clone) => fsckComplaints(sandbox, clone));
  const left = await each((clone) => leftovers(sandbox, clone));
  const all = `in ${runs.length} of ${runs.length} repositories`;
  return [
    {
      title: 'refs equal to canonical',
      result: `${count(refs - wrong.length)} of ${count(refs)}, ${runs.length} repositories`,
      problems: wrong,
    },
    {
      title: 'git fsck --strict',
      result: complaints.length === 0 ? `clean ${all}` : 'complains',
      problems: complaints,
    },
    {
      title: 'left in refs/mirror/*',
      result: left.length === 0 ? `nothing ${all}` : `${left.length} things`,
      problems: left,
    },
  ];
}
