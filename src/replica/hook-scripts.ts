import { KEPT_FOLDER } from '../git/hook-folder.ts';
import { printable } from '../protocol/text.ts';
import { shellQuote } from '../transport/shell.ts';
import { REFERENCE_GUARD } from './reference-guard.ts';

/** What the hooks of a member start. */
export interface HookProgram {
  /** The absolute path of node. */
  node: string;
  /** The absolute path of the program that handles pushes to a member (githooks(5), proc-receive). */
  program: string;
  /** gam's version. */
  version: string;
}

// Without the folder nobody can tell whether a hook stood here that would have refused. While hooks are taken away it is gone for a
// moment, too, and what stood here before is already in its place again.
function beginning(name: string, version: string): string {
  return `#!/bin/sh
# Installed by gam ${printable(version)}. What stood here before is ${KEPT_FOLDER}/${name}, and still runs.
# To remove this hook, and have the former one in its place again: gam replica leave

kept=\${0%/*}/${KEPT_FOLDER}/${name}
if [ ! -d "\${kept%/*}" ]; then
  echo 'gam: the hooks are being changed, or hooks/${KEPT_FOLDER} was removed:' >&2
  echo 'gam: push again, or run gam replica reconcile on the server' >&2
  exit 1
fi
[ -f "$kept" ] && [ -x "$kept" ] || kept=
`;
}

/** True where the repository is a member; others may share the folder of hooks. */
const IS_MEMBER = 'git config --get replica.self >/dev/null 2>&1';

// A push of refs beneath refs/gam/ comes from another member, whose own hooks have judged what the user pushed. All is read before the kept
// hook runs: were it handed on through a pipe, one that breaks off would hide refs from that hook.
const RECEIVE = `[ -n "$kept" ] || exit 0
${IS_MEMBER} || exec "$kept" "$@"

input=$(LC_ALL=C sed '/^[^ ]* [^ ]* refs\\/gam\\//d') || exit 1
[ -n "$input" ] || exit 0
"$kept" "$@" <<EOF
$input
EOF
`;

// Where no hook stood before, a look at the folder tells enough: what is half of a member the program refuses by itself.
function procReceive({ node, program }: HookProgram): string {
  return `if [ ! -e "\${GIT_DIR:-.}/gam/replica" ] || { [ -n "$kept" ] && ! ${IS_MEMBER}; }; then
  [ -z "$kept" ] || exec "$kept" "$@"
  echo 'gam: this repository is in no group, and has no proc-receive hook of its own' >&2
  exit 1
fi

node=${shellQuote(node)}
program=${shellQuote(program)}
if [ ! -f "$node" ] || [ ! -x "$node" ] || [ ! -f "$program" ]; then
  echo 'gam: cannot be started, as it was moved or removed: run gam replica reconcile on the server' >&2
  exit 1
fi
case $kept in
  '') unset GAM_KEPT_PROC_RECEIVE ;;
  /*) export GAM_KEPT_PROC_RECEIVE="$kept" ;;
  *) export GAM_KEPT_PROC_RECEIVE="$PWD/$kept" ;;
esac
# While node starts, git tells what it would ask for first.
{ git config --list -z | GAM_CONFIG_FD=3 "$node" "$program" "$@" 3<&0 <&4 4<&-; } 4<&0
`;
}

/**
 * The hooks of a member (githooks(5)), for POSIX shells, by name. Each runs the hook that stood there before, and in a repository
 * without `replica.self` nothing else.
 */
export function hookScripts(program: HookProgram): ReadonlyMap<string, string> {
  const bodies = {
    'pre-receive': RECEIVE,
    'post-receive': RECEIVE,
    'proc-receive': procReceive(program),
    'reference-transaction': REFERENCE_GUARD,
  };
  return new Map(
    Object.entries(bodies).map(([name, body]) => [name, `${beginning(name, program.version)}\n${body}`]),
  );
}
