#!/bin/bash
# Put the notebooks of this version on the branch `notebooks`, in a folder of its own: Colab opens files of a
# repository only, and the buttons of every published page must go on working.
# Usage: tools/publish_notebooks.sh, after `make notebooks`; needs the right to push to `origin`.
set -euo pipefail
cd "$(dirname "$0")/.."
version="v$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' neuroscale/__init__.py)"
notebooks="$PWD/_build/notebooks"
[ -d "$notebooks" ] || { echo "error: no notebooks in _build/notebooks; run make notebooks" >&2; exit 1; }

tree="$(mktemp -d)"
trap 'git worktree remove --force "$tree"' EXIT
if git fetch --quiet origin notebooks 2>/dev/null; then
    git worktree add --quiet --detach "$tree" FETCH_HEAD
else
    git worktree add --quiet --detach "$tree" HEAD
    git -C "$tree" checkout --quiet --orphan notebooks-new
    git -C "$tree" rm -rfq .
fi
rm -rf "${tree:?}/$version"
cp -R "$notebooks" "$tree/$version"
git -C "$tree" add "$version"
if git -C "$tree" diff --cached --quiet; then
    echo "the notebooks of $version are there already"
    exit 0
fi
git -C "$tree" commit --quiet -m "Notebooks of $version"
git -C "$tree" push --quiet origin HEAD:refs/heads/notebooks
echo "published the notebooks of $version"
