"""The functions that an expression can call.

Sources: expr-lang 1.17, docs/language-definition.md; Argo Workflows 3.5, util/expr/env; sprig 3.2,
functions.go, without ``env`` and ``expandenv``, which Argo takes out.
"""

_FUNCTIONS = """
abs all any asFloat asInt bitand bitnand bitnot bitor bitshl bitshr bitushr bitxor ceil concat
count date duration filter find findIndex findLast findLastIndex first flatten float floor
fromBase64 fromJSON fromPairs get groupBy hasPrefix hasSuffix indexOf int join jsonpath keys
last lastIndexOf len lower map max mean median min none now one reduce repeat replace reverse
round sort sortBy split splitAfter string sum take timezone toBase64 toJSON toJson toPairs trim
trimPrefix trimSuffix type uniq upper values
"""
FUNCTIONS = frozenset(_FUNCTIONS.split())
_SPRIG = """
abbrev abbrevboth add add1 add1f addf adler32sum ago all any append atoi b32dec b32enc b64dec
b64enc base bcrypt biggest buildCustomCert camelcase cat ceil chunk clean coalesce compact
concat contains date dateInZone dateModify date_in_zone date_modify decryptAES deepCopy
deepEqual default derivePassword dict dig dir div divf duration durationRound empty encryptAES
ext fail first float64 floor fromJson genCA genCAWithKey genPrivateKey genSelfSignedCert
genSelfSignedCertWithKey genSignedCert genSignedCertWithKey get getHostByName has hasKey
hasPrefix hasSuffix hello htmlDate htmlDateInZone htpasswd indent initial initials int int64
isAbs join kebabcase keys kindIs kindOf last list lower max maxf merge mergeOverwrite min minf
mod mul mulf mustAppend mustChunk mustCompact mustDateModify mustDeepCopy mustFirst mustFromJson
mustHas mustInitial mustLast mustMerge mustMergeOverwrite mustPrepend mustPush mustRegexFind
mustRegexFindAll mustRegexMatch mustRegexReplaceAll mustRegexReplaceAllLiteral mustRegexSplit
mustRest mustReverse mustSlice mustToDate mustToJson mustToPrettyJson mustToRawJson mustUniq
mustWithout must_date_modify nindent nospace now omit osBase osClean osDir osExt osIsAbs pick
pluck plural prepend push quote randAlpha randAlphaNum randAscii randBytes randInt randNumeric
regexFind regexFindAll regexMatch regexQuoteMeta regexReplaceAll regexReplaceAllLiteral
regexSplit repeat replace rest reverse round semver semverCompare seq set sha1sum sha256sum
sha512sum shuffle slice snakecase sortAlpha split splitList splitn squote sub subf substr
swapcase ternary title toDate toDecimal toJson toPrettyJson toRawJson toString toStrings trim
trimAll trimPrefix trimSuffix trimall trunc tuple typeIs typeIsLike typeOf uniq unixEpoch unset
until untilStep untitle upper urlJoin urlParse uuidv4 values without wrap wrapWith
"""
SPRIG = frozenset(_SPRIG.split())
"""Called as ``sprig.NAME``."""
