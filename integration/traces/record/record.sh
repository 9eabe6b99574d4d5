#!/usr/bin/env bash
# Records the traces of ../data, all of them or those named. They are committed, so tests need none of these programs.
#
# On Debian 12, amd64: apt-get install bc clang gawk gcc git jq lua5.4 perl python3 ripgrep sed sqlite3
#
# Each program runs to its end, alone, in an empty environment and a folder whose path is always the same, without address
# space randomization and with its hash seed fixed. So the same packages give the same trace, but for ripgrep, whose hash
# seeds are random; other versions give another one, just as real. The trace of cc1 is of compiling record.c as it was then.
# Go programs have no malloc to record, and the heap of node is not malloc's.
set -euo pipefail
cd "$(dirname "$0")"
data=$PWD/../data

work=/tmp/linmem-traces # fixed, as the lengths of paths are sizes of blocks
mkdir "$work"           # fails if another one runs
trap 'rm -rf "$work"' EXIT
gcc -O2 -Wall -Wextra -Werror -shared -fPIC -o "$work/record.so" record.c
mkdir "$work/run"
cp record.c ../../inputs/tzdata.zi "$work/run"
cd "$work/run"

# record NAME PACKAGE COMMAND...: the trace of the command, whose first word may be `env` with variables.
only=" $* "
record() {
	local name=$1 package=$2 path=$3 version
	shift 3
	if [[ $only != "  " && $only != *" $name "* ]]; then return; fi
	version=$(dpkg-query --showformat '${Version}' --show "$package")
	setarch --addr-no-randomize env -i PATH=/usr/bin:/bin HOME=/nonexistent LC_ALL=C PYTHONMALLOC=malloc PYTHONHASHSEED=0 \
		PERL_HASH_SEED=0 GIT_CONFIG_NOSYSTEM=1 LINMEM_TRACE="$work/out" LD_PRELOAD="$work/record.so" \
		"$path" "$@" >"$work/stdout"
	{
		echo "linmem-trace 1"
		echo "# $package $version, Debian, $(dpkg --print-architecture)"
		echo "# ${path##*/} $*"
		tr -d '\0' <"$work/out" | tail -n +2
	} | gzip -9n >"$data/$name.trace.gz"
	echo "$name: $(zcat "$data/$name.trace.gz" | wc -l) lines, $(stat -c %s "$data/$name.trace.gz") bytes"
}

# What the programs work on: the time zone database, and what is made of it here.

cat >pi.bc <<'END'
scale = 200
4 * a(1)
END

cat >count.awk <<'END'
{ for (i = 1; i <= NF; i++) count[$i]++; line[NR] = $0 }
END { for (w in count) if (count[w] > 9) print w, count[w]; print line[NR] }
END

cat >count.pl <<'END'
while (<>) { my @w = split; push @lines, [@w[0 .. 2]]; $count{$_}++ for @w }
print "$_ $count{$_}\n" for sort { $count{$b} <=> $count{$a} || $a cmp $b } keys %count;
END

cat >count.lua <<'END'
local zones, count = {}, {}
for line in io.lines("tzdata.zi") do
	local words = {}
	for w in line:gmatch("%S+") do
		words[#words + 1] = w
		count[w] = (count[w] or 0) + 1
	end
	zones[#zones + 1] = words
end
table.sort(zones, function(a, b) return #a > #b end)
for i = 1, 10 do print(table.concat(zones[i], " "), count[zones[i][1]]) end
END

cat >tables.sql <<'END'
CREATE TABLE word(id INTEGER PRIMARY KEY, text TEXT, n INTEGER);
WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 20000)
	INSERT INTO word SELECT x, hex(x * 7919 % 20011) || hex(x), x % 97 FROM c;
CREATE INDEX by_text ON word(text);
SELECT n, count(*), max(text) FROM word GROUP BY n ORDER BY 3 LIMIT 10;
SELECT a.text, b.text FROM word a JOIN word b ON a.n = b.n WHERE a.id < 20 AND b.id < 1000 ORDER BY b.text DESC LIMIT 10;
DELETE FROM word WHERE n % 2;
SELECT count(*), group_concat(text) FROM word WHERE id < 3000;
END

cat >zones.py <<'END'
import collections, json, re

zones, rules = {}, collections.defaultdict(list)
for line in open("tzdata.zi", encoding="utf-8"):
    words = line.split()
    if words[0] == "Z":
        zones[words[1]] = current = [words[2:]]
    elif words[0] == "R" and int(words[2]) >= 1970:
        rules[words[1]].append(dict(zip(("name", "from", "to", "type", "in", "on", "at", "save"), words[1:])))
    elif re.match(r"-?\d", words[0]):
        current.append(words)
text = json.dumps({"zones": zones, "rules": rules})
back = json.loads(text)
print(len(text), len(back["zones"]), max(back["rules"], key=lambda r: len(back["rules"][r])))
END

cat >words.cc <<'END'
#include <vector>

int most(const std::vector<const char *> &words) {
	std::vector<int> count(256);
	for (const char *w : words)
		count[static_cast<unsigned char>(*w)]++;
	int best = 0;
	for (unsigned i = 0; i < count.size(); i++)
		if (count[i] > count[best])
			best = i;
	return best;
}
END

cat >json.awk <<'END'
BEGIN { print "[" }
{ gsub(/[\\"]/, "\\\\&"); gsub(/ /, "\",\""); print (NR > 1 ? "," : "") "[\"" $0 "\"]" }
END { print "]" }
END
gawk -f json.awk tzdata.zi >tzdata.json

# A repository of 40 commits, each of which changes some lines of four files.
(
	export GIT_CONFIG_NOSYSTEM=1 HOME=/nonexistent GIT_AUTHOR_NAME=A GIT_AUTHOR_EMAIL=a@example.org
	export GIT_COMMITTER_NAME=A GIT_COMMITTER_EMAIL=a@example.org
	git init --quiet --initial-branch main repo
	cd repo
	split --lines 1100 ../tzdata.zi part-
	for i in {1..40}; do
		sed -i "$((i * 7))~97s/.*/& changed $i/" part-a[a-d]
		git add .
		export GIT_AUTHOR_DATE="$((1700000000 + i)) +0000" GIT_COMMITTER_DATE="$((1700000000 + i)) +0000"
		git commit --quiet --message "Change $i"
	done
	git -c pack.threads=1 repack -a -d --quiet
)

record sed sed /usr/bin/sed -E 's/([A-Z][a-z]+)/<\1>/g' tzdata.zi
record bc bc /usr/bin/bc -l -q pi.bc </dev/null
record gawk gawk /usr/bin/gawk -f count.awk tzdata.zi
record perl perl-base /usr/bin/perl count.pl tzdata.zi
record lua lua5.4 /usr/bin/lua5.4 count.lua
record sqlite sqlite3 /usr/bin/sqlite3 :memory: '.read tables.sql'
record ripgrep ripgrep /usr/bin/rg --threads 1 --line-number '[A-Z]\w+/[A-Z]\w+' tzdata.zi
record jq jq /usr/bin/jq 'map(select(.[0] == "Z") | .[1]) | sort' tzdata.json
record git git /usr/bin/git -C repo log --stat --patch
record gcc-cc1 gcc-12 "$(gcc -print-prog-name=cc1)" -quiet -O2 -imultiarch x86_64-linux-gnu record.c -o ../record.s
record clang clang-14 /usr/lib/llvm-14/bin/clang -cc1 -triple x86_64-pc-linux-gnu -O1 -emit-obj -std=c++17 -fcxx-exceptions \
	-internal-isystem /usr/include/c++/12 -internal-isystem /usr/include/x86_64-linux-gnu/c++/12 \
	-internal-isystem /usr/lib/llvm-14/lib/clang/14.0.6/include -internal-isystem /usr/include/x86_64-linux-gnu \
	-internal-isystem /usr/include words.cc -o ../words.o
record python python3.11-minimal /usr/bin/python3.11 -S -s -B zones.py
