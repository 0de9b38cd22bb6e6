/** The environment of a child process; undefined removes a variable. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What `git rev-parse --local-env-vars` lists: variables that tie a process to one repository. */
export const LOCAL_ENVIRONMENT_VARIABLES = [
  'GIT_ALTERNATE_OBJECT_DIRECTORIES',
  'GIT_CONFIG',
  'GIT_CONFIG_PARAMETERS',
  'GIT_CONFIG_COUNT',
  'GIT_OBJECT_DIRECTORY',
  'GIT_DIR',
  'GIT_WORK_TREE',
  'GIT_IMPLICIT_WORK_TREE',
  'GIT_GRAFT_FILE',
  'GIT_INDEX_FILE',
  'GIT_NO_REPLACE_OBJECTS',
  'GIT_REPLACE_REF_BASE',
  'GIT_PREFIX',
  'GIT_SHALLOW_FILE',
  'GIT_COMMON_DIR',
  'GIT_INTERNAL_SUPER_PREFIX',
] as const;

/** What keeps git and ssh from asking anybody for anything. */
export const NO_PROMPTS = {
  GIT_TERMINAL_PROMPT: '0',
  GIT_ASKPASS: '',
  SSH_ASKPASS: '',
  SSH_ASKPASS_REQUIRE: 'never',
} as const;

/**
 * The environment for a service on another repository, as git's own connect.c makes it: without the
 * variables that name this one. A helper is started with GIT_DIR set, and an upload-pack that inherited
 * it would serve the wrong repository.
 */
export function withoutRepository(env: Environment): Environment {
  const rest: Record<string, string | undefined> = { ...env };
  for (const name of LOCAL_ENVIRONMENT_VARIABLES) delete rest[name];
  return rest;
}
