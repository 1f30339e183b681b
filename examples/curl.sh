#!/bin/sh
# Submit images, wait for the job and read its items with curl alone; `jq` reads the JSON.
#
#     sh examples/curl.sh a.png b.jpg
set -eu

request() {
    curl --silent --show-error --fail-with-body --header "Authorization: Bearer $BATCHLIGHT_KEY" "$@"
}

count=$#
while [ "$count" -gt 0 ]; do # each argument becomes --form files=@ARGUMENT
    set -- "$@" --form "files=@$1"
    shift
    count=$((count - 1))
done
job=$(request "$@" "$BATCHLIGHT_URL/v1/jobs?top_k=1" | jq --raw-output .id)

until request "$BATCHLIGHT_URL/v1/jobs/$job" | jq --exit-status .ended_at >/dev/null; do
    sleep 0.5
done
request "$BATCHLIGHT_URL/v1/jobs/$job/items?limit=1000" | jq --raw-output '.data[] | [.name, .label // .error.code] | @tsv'
