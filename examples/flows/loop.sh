#!/usr/bin/env bash
# A flow as a shell loop: who enters now is asked about once more just before the send, and sent to by your command.
#
#   loop.sh abandoned-checkout --flow reminder --after 60 --limit 50 -- ./send.sh
#
# Before `--`: a node and its options, as `contactdb node` takes them. After it: the command that sends. It gets the entry
# as JSON on standard input and, in IDEMPOTENCY_KEY, what the entry is known by however often it comes; exit code 0 means
# sent. What was sent is acknowledged; what was not is released and comes again with the next call. If the loop is killed
# between the two, the entry comes again once its lease is over, with the same key.
#
# It needs jq, and contactdb with TARGET_CONTACTDB_SQLALCHEMY_URL set. CONTACTDB_LEASE (15m) must be longer than a call takes.
# Exit codes: 0, done; 1, something was not sent; 2, nobody could be handed out.
set -euo pipefail

node=()
while (($#)) && [[ $1 != -- ]]; do
  node+=("$1")
  shift
done
if ((${#node[@]} == 0 || $# < 2)); then
  echo "usage: loop.sh NODE OPTIONS... -- COMMAND..." >&2
  exit 2
fi
shift

# Tell what has come of an entry. 2: the person was erased meanwhile, and the entry with it; it never comes again.
tell() {
  local answer=0
  contactdb node "$1" --flow "$flow" "$id" > /dev/null || answer=$?
  if ((answer == 2)); then
    echo "entry $id of $flow: no $1, for the reason above" >&2
    answer=0
  fi
  return "$answer"
}

entries=$(contactdb node "${node[@]}" --lease "${CONTACTDB_LEASE:-15m}") || exit 2
unsent=0
while IFS= read -r entry <&3; do
  [[ -n $entry ]] || continue
  {
    read -r id
    read -r flow
    read -r key
    read -r leased_until
    read -r contact
    read -r channel
    read -r checkout
  } < <(jq -r '.entry_id, .flow, .idempotency_key, .leased_until, .contact.contact_id, .channel, .checkout.id // ""' \
    <<< "$entry")

  # Once the lease is over somebody else may hold the entry: it is no longer ours to send or to give back.
  if [[ ! $(date -u +%Y-%m-%dT%H:%M:%S) < ${leased_until:0:19} ]]; then
    echo "entry $id of $flow: the lease was over before its turn came; it comes again" >&2
    unsent=1
    continue
  fi

  answer=0
  contactdb may "#$contact" --channel "$channel" ${checkout:+--checkout "$checkout"} > /dev/null || answer=$?
  if ((answer > 1)); then
    # 2: the person was erased, and the entry with it. 3: the database could not be reached.
    echo "entry $id of $flow: not sent, for the reason above; if the entry is still there, it comes again after its lease" >&2
    unsent=1
  elif ((answer == 1)); then
    # The person opted out, or bought.
    tell release
  elif IDEMPOTENCY_KEY=$key "$@" <<< "$entry"; then
    tell ack
  else
    echo "entry $id of $flow: not sent; it comes again" >&2
    unsent=1
    tell release
  fi
done 3<<< "$entries"
exit "$unsent"
