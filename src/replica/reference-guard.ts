/**
 * What gam's reference-transaction hook does behind its first lines, in which $kept is the hook that stood there before, or empty. It refuses
 * local changes of the refs that a group keeps alike, and lets all else through: gam's own changes (GAM_REPLICA_MOVES=1), which cost no
 * process; other refs; and what changes nothing.
 *
 * What git shows it (githooks(5), reference-transaction) is not always what happens. An old id of zeros stands for any, so that the
 * ref has to be looked at. What looks like a deletion may be a `verify` of git-update-ref(1), or, before git 2.36, git-pack-refs(1)
 * that removes loose refs which it has packed. A deletion, and neither of these, holds the lock of packed-refs meanwhile
 * (refs/files-backend.c, files_transaction_prepare and files_delete_refs). Whoever deletes another ref at that moment makes them look like
 * deletions again: they are refused then, and can be repeated. So is every `verify` where refs are not kept in files.
 */
export const REFERENCE_GUARD = `if [ "$1" != prepared ] || [ "\${GAM_REPLICA_MOVES-}" = 1 ]; then
  [ -z "$kept" ] || exec "$kept" "$@"
  exit 0
fi
if [ -n "$kept" ]; then
  git config --get replica.self >/dev/null 2>&1 || exec "$kept" "$@"
fi

set -f
newline='
'
IFS=$newline

# A read takes a byte at a time, and costs no process; beyond some lines cat is quicker.
input=
lines=0
while [ "$lines" -lt 16 ] && IFS= read -r line; do
  input=$input$line$newline
  lines=$((lines + 1))
done
[ "$lines" -lt 16 ] || input=$input$(cat) || exit 1
input=\${input%"$newline"}

if [ -n "$kept" ]; then
  printf '%s\\n' "$input" 2>/dev/null | "$kept" "$@" || exit
fi

touches_refs() {
  for line in $input; do
    case \${line##* } in
      refs/gam/* | refs/mirror/*) ;;
      refs/*) return 0 ;;
    esac
  done
  return 1
}
touches_refs || exit 0

self= group= publish= storage=files
for setting in $(git config --get-regexp '^(replica[.](self|group|publish)|extensions[.]refstorage)$' 2>/dev/null); do
  value=\${setting#* }
  case $setting in
    'replica.self '*) self=$value ;;
    'replica.group '*) group=$value ;;
    'replica.publish '*) publish=$publish$newline$value ;;
    'extensions.refstorage '*) storage=$value ;;
  esac
done
[ -n "$self" ] || exit 0
[ -n "$publish" ] || publish="refs/heads/*\${newline}refs/tags/*\${newline}refs/notes/*"

is_published() {
  case $1 in
    refs/gam/* | refs/mirror/*) return 1 ;;
    refs/*) ;;
    *) return 1 ;;
  esac
  for pattern in $publish; do
    case $1 in
      $pattern | "\${pattern%/}"/*) return 0 ;;
    esac
  done
  return 1
}

# <new> <ref> of whatever may be a change; 'ref:' begins the target of a symbolic ref.
possible() {
  for line in $input; do
    old=\${line%% *} ref=\${line##* } new=\${line#* }
    new=\${new%% *}
    case $new in
      ref:*) continue ;;
      *[!0]*) [ "$old" != "$new" ] || continue ;;
    esac
    is_published "$ref" && printf '%s\\n' "$new $ref"
  done
}

# What a ref is now, and '<ref> missing' where it is not there.
current() {
  for change in $possible; do printf '%s\\n' "\${change#* }"; done |
    git cat-file --batch-check='%(objectname)' 2>/dev/null
}

deletes() {
  [ "$storage" = files ] || return 0
  packed=$(git rev-parse --git-path packed-refs) || return 0
  [ -L "$packed" ] || [ -e "$packed.lock" ]
}

possible=$(possible)
[ -n "$possible" ] || exit 0
deletes && deletes=yes || deletes=no
set -- $(current)
for change in $possible; do
  new=\${change%% *} ref=\${change#* } now=\${1-}
  [ $# -eq 0 ] || shift
  case $new in
    *[!0]*) [ "$now" != "$new" ] || continue ;;
    *)
      new=
      [ "$now" != "$ref missing" ] && [ "$deletes" = yes ] || continue
      ;;
  esac
  printf '%s\\n' "gam: $ref is kept alike on all members of group $group: change it by a push," \\
    "gam: git push . $new:$ref" >&2
  exit 1
done
exit 0
`;
