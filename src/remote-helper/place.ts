import type { Environment } from '../git/environment.ts';
import { findRepository, type Repository } from '../git/repository.ts';
import { gitVersion, isAtLeast, STATELESS_GIT } from '../git/version.ts';

/** Where objects of a mirror go. */
export interface Place {
  repository: Repository;
  /** False where git is too old to fetch from a mirror. */
  fit: boolean;
}

/** Finds the place; null outside a repository, as for `git ls-remote <url>`. */
export type FindPlace = () => Promise<Place | null>;

/**
 * Looks for the place where it is first asked for, and only then: git's request comes in the middle of a head
 * start that has it already, when two more processes would be felt.
 */
export function placeFinder(env: Environment, cwd: string): FindPlace {
  let found: Promise<Place | null> | null = null;
  const find = async () => {
    const [repository, version] = await Promise.all([findRepository(env, cwd), gitVersion({ env, cwd })]);
    return repository && { repository, fit: isAtLeast(version, STATELESS_GIT) };
  };
  return () => {
    found ??= find();
    return found;
  };
}
