#!/bin/sh
# Builds the Debian package into build/deb/, from a copy of this tree, and has lintian look at it.
set -eu
cd "$(dirname "$0")/.."
packaging/deps.sh test

version=$(sed -n 's/^project (zchat VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)
if [ "$(dpkg-parsechangelog -l packaging/debian/changelog -S Version)" != "$version" ]; then
    echo "packaging/debian/changelog does not begin with version $version of CMakeLists.txt" >&2
    exit 1
fi

# dpkg-buildpackage wants debian/ at the top, and leaves its results beside the tree.
rm -rf build/deb
mkdir -p "build/deb/zchat-$version"
tar -c --exclude=./build --exclude=./.git . | tar -x -C "build/deb/zchat-$version"
cd "build/deb/zchat-$version"
cp -r packaging/debian debian
DEB_BUILD_OPTIONS="parallel=2 nocheck noautodbgsym" dpkg-buildpackage -b -us -uc >../build.log 2>&1 || {
    tail -n 40 ../build.log
    exit 1
}
cd ..
rm -rf "zchat-$version"
# Nobody uploads this to Debian: no bug is closed by it, and the maintainers have no address.
lintian --fail-on error ./*.changes --suppress-tags \
    initial-upload-closes-no-bugs,bogus-mail-host,bogus-mail-host-in-debian-changelog
ls "$PWD"/zchat_*.deb
