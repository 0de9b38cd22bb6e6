import { isHidden } from '../protocol/hidden-refs.ts';
import { fetchedFrom } from '../protocol/refspec.ts';
import { mainBranch } from './main-branch.ts';

/** A ref of a clone. */
export interface CloneRef {
  name: string;
  oid: string;
  /** Where a symbolic ref leads; '' for any other. */
  symref: string;
  /** What an annotated tag leads to in the end; '' where it leads to nothing else, null where that is not known. */
  peeled: string | null;
}

/** How a clone fetches from one of its remotes. */
export interface RemoteFetch {
  remote: string;
  /** `remote.<name>.fetch`. */
  refspecs: readonly string[];
  /** Whether tags come along (`remote.<name>.tagOpt`). */
  tags: boolean;
  /** `transfer.hideRefs` and `uploadpack.hideRefs` of the clone. */
  hidden: readonly string[];
}

/** The refs of a remote, as a clone of it has them, and the branch that its HEAD leads to; null where nothing tells. */
export interface ViewRefs {
  refs: readonly CloneRef[];
  head: string | null;
}

function nameThere(name: string, { refspecs, tags }: RemoteFetch): string | null {
  const tag = tags && name.startsWith('refs/tags/') ? name : null;
  return fetchedFrom(name, refspecs) ?? tag;
}

/**
 * The refs of a remote out of those of its clone: the refspecs by which they were fetched, reversed. What is the clone's own
 * has no place in it, but for tags, of which nothing tells where they came from. Nor has what was staged (`refs/mirror/`), what the
 * clone hides, and symbolic refs, which no fetch has brought.
 *
 * @param refs those of the clone
 * @returns sorted by name, as packed-refs is
 */
export function viewRefs(refs: readonly CloneRef[], fetch: RemoteFetch): ViewRefs {
  const names = new Set<string>();
  const found = refs.flatMap((ref) => {
    const hides = ref.symref !== '' || isHidden(ref.name, fetch.hidden);
    const name = hides ? null : nameThere(ref.name, fetch);
    if (name === null || names.has(name) || name.startsWith('refs/mirror/')) return [];
    names.add(name);
    return [{ ...ref, name }];
  });
  // git keeps the remote's own HEAD there, whatever the refspecs say (builtin/clone.c, builtin/remote.c).
  const symref = refs.find(({ name }) => name === `refs/remotes/${fetch.remote}/HEAD`)?.symref ?? '';
  const head = symref === '' ? null : fetchedFrom(symref, fetch.refspecs);
  const sorted = found.toSorted((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)));
  return { refs: sorted, head: head !== null && names.has(head) ? head : (mainBranch(sorted)?.name ?? null) };
}
