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
IFS= read -r input || exit 0
lines=1
while [ "$lines" -lt 16 ] && IFS= read -r line; do
  input=$input$newline$line
  lines=$((lines + 1))
done
if [ "$lines" -ge 16 ]; then
  rest=$(cat) || exit 1
  input=$input$newline$rest
fi

if [ -n "$kept" ]; then
  "$kept" "$@" <<EOF || exit
$input
EOF
fi

touches_refs() {
  for line in $input; do
    case $line in
      *' refs/gam/'* | *' refs/mirror/'*) ;;
      *' refs/'*) return 0 ;;
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
    'replica.publish '*) publish=$publish\${publish:+$newline}$value ;;
    'extensions.refstorage '*) storage=$value ;;
  esac
done
[ -n "$self" ] || exit 0
[ -n "$publish" ] || publish="refs/heads/*\${newline}refs/tags/*\${newline}refs/notes/*"

# '<ref> <new id>' of what may be a change; 'ref:' begins the target of a symbolic ref.
possible=$(
  publish=$publish LC_ALL=C awk '
    function is_published(ref,    i, star, before, behind) {
      if (ref !~ /^refs\\// || ref ~ /^refs\\/(gam|mirror)\\//) return 0
      for (i = 1; i <= count; i++) {
        if (ref == patterns[i]) return 1
        star = index(patterns[i], "*")
        before = star ? substr(patterns[i], 1, star - 1) : patterns[i]
        behind = star ? substr(patterns[i], star + 1) : ""
        if (!star && before !~ /\\/$/) before = before "/"
        if (length(ref) >= length(before) + length(behind) && index(ref, before) == 1 &&
          substr(ref, length(ref) - length(behind) + 1) == behind) return 1
      }
      return 0
    }
    BEGIN { count = split(ENVIRON["publish"], patterns, "\\n") }
    $2 !~ /^ref:/ && ($1 != $2 || $2 ~ /^0+$/) && is_published($3) { print $3, $2 }' <<EOF
$input
EOF
) || exit 1
[ -n "$possible" ] || exit 0

now=$(
  git cat-file --batch-check='%(objectname) %(rest)' 2>/dev/null <<EOF
$possible
EOF
) || exit 1

# What really changes: an update, if there is one, or else a deletion.
change=$(
  LC_ALL=C awk '
    $0 == "now" { half = NR; next }
    !half { ref[NR] = $1; new[NR] = $2; next }
    new[NR - half] ~ /^0+$/ { if ($2 != "missing" && !deleted) deleted = ref[NR - half]; next }
    $1 != new[NR - half] { changed = new[NR - half] ":" ref[NR - half]; exit }
    END { if (changed || deleted) print changed ? changed : ":" deleted }' <<EOF
$possible
now
$now
EOF
) || exit 1

is_deletion() {
  [ "$storage" = files ] || return 0
  packed=$(git rev-parse --git-path packed-refs) || return 0
  [ -L "$packed" ] || [ -e "$packed.lock" ]
}
case $change in
  '') exit 0 ;;
  :*) is_deletion || exit 0 ;;
esac
printf '%s\\n' "gam: \${change#*:} is kept alike on all members of group $group: change it by a push," "gam: git push . $change" >&2
exit 1
`;
