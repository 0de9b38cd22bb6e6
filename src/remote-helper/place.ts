import type { Environment } from '../git/environment.ts';
import { findRepository, type Repository } from '../git/repository.ts';
import { isFitForMirrors } from '../git/version.ts';

/** Where objects of a mirror go. */
export interface Place {
  repository: Repository;
  /** False where git is too old to fetch from a mirror. */
  fit: boolean;
}

/** Finds the place; null outside a repository, as for `git ls-remote <url>`. */
export type FindPlace = () => Promise<Place | null>;

/** Looks for the place where it is first asked for, and only then. */
export function placeFinder(env: Environment, cwd: string): FindPlace {
  let found: Promise<Place | null> | null = null;
  const find = async () => {
    const repository = findRepository(env, cwd);
    return repository && { repository, fit: await isFitForMirrors({ env, cwd }) };
  };
  return () => {
    found ??= find();
    return found;
  };
}
