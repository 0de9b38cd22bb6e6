import { MIRROR_NAMESPACE } from './staged.ts';

/** Whether a push to this ref of the other side must stay here: `git push --mirror` names all of refs/. */
export function staysHere(ref: string): boolean {
  return ref.startsWith(MIRROR_NAMESPACE);
}

/** The destination of a refspec as git gives it to a helper: `[+]<src>:<dst>`. */
export function pushDestination(refspec: string): string {
  return refspec.slice(refspec.indexOf(':') + 1);
}
