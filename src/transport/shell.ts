/** What makes git run a command through a shell (run-command.c, prepare_shell_cmd). */
const META = /[|&;<>()$`\\"' \t\n*?[#~=%]/;

/** Quotes a word for a shell as git's sq_quote() does. */
export function shellQuote(word: string): string {
  return `'${word.replace(/['!]/g, (mark) => `'\\${mark}'`)}'`;
}

/**
 * The process that runs a command which its user may have written as shell text, such as GIT_SSH_COMMAND or
 * `--upload-pack`: the words themselves when they need no shell, else `sh -c '<command> "$@"'`.
 */
export function throughShell(command: string, args: readonly string[]): [string, ...string[]] {
  if (!META.test(command)) return [command, ...args];
  return ['sh', '-c', args.length === 0 ? command : `${command} "$@"`, command, ...args];
}

/** The first word of shell text, quotes undone; undefined when the quotes do not match. */
export function firstWord(command: string): string | undefined {
  const match = /^\s*((?:"(?:[^"\\]|\\.)*"|'[^']*'|\\.|[^\s"'\\])+)/s.exec(command);
  return match?.[1]?.replace(/"((?:[^"\\]|\\.)*)"|'([^']*)'|\\(.)/gs, (_all, double, single, plain) =>
    double === undefined ? (single ?? plain) : String(double).replace(/\\(.)/gs, '$1'),
  );
}
