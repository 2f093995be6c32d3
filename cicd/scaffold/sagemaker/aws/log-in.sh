# A step of the workflows: AWS trusts GitHub's own token for this run, so no key of an account is kept anywhere.
set -euo pipefail
umask 077
if [ -z "${ROLE:-}" ]; then
  echo "::error title=cicd::the variable AWS_ROLE_ARN is not set: README.md says which role it names"
  exit 4
fi
file="$RUNNER_TEMP/aws-token"
token() {
  curl --fail --silent --show-error --retry 3 --header "Authorization: bearer $ACTIONS_ID_TOKEN_REQUEST_TOKEN" \
    "$ACTIONS_ID_TOKEN_REQUEST_URL&audience=sts.amazonaws.com" | jq --exit-status --raw-output .value > "$file.new" &&
    mv "$file.new" "$file"
}
token
# a token lives for minutes, a login for an hour: whoever logs in again finds a new one
while sleep 120; do token || true; done > /dev/null 2>&1 < /dev/null &
{ echo "AWS_ROLE_ARN=$ROLE"; echo "AWS_WEB_IDENTITY_TOKEN_FILE=$file"; } >> "$GITHUB_ENV"
