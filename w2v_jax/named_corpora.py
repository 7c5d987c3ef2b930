"""The corpora that can be asked for by name: origin, SHA-256 and licence of each."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Corpus:
    """A corpus that can be asked for by name.

    name: what it is called here.
    language: "en" or "zh".
    description: what is in it.
    licence: the licence of its text, by origin.
    origin: where it comes from.
    file: its name in a data folder: text, an archive of text, or a zip with `member`.
    sha256: of that file, or of `member` if there is one.
    size: bytes of what `sha256` hashes.
    url: where to download `file`; None if it is found offline only.
    url_sha256, url_size: of `file` when it is downloaded; no hash is known of
      enwik9.zip, which has been compressed anew over the years: its member is checked.
    member: the file inside the zip.
    dump: whether it is a MediaWiki dump, to be cleaned by `wiki_dump`.
    cut_short: whether the dump ends in the middle of an article.
    remedy: how to come by it when it is neither on the machine nor to be downloaded.
    """

    name: str
    language: str
    description: str
    licence: str
    origin: str
    file: str
    sha256: str
    size: int
    url: str | None = None
    url_sha256: str | None = None
    url_size: int = 0
    member: str | None = None
    dump: bool = False
    cut_short: bool = False
    remedy: str = "fetch it by hand from its origin"


_NO_PUBLIC_COPY = "derived from the public dumps of Wikimedia; no public copy is known"

CORPORA: dict[str, Corpus] = {
    corpus.name: corpus
    for corpus in (
        Corpus(
            name="enwiki_sample",
            language="en",
            description="106 whole articles of the English Wikipedia of 2016, about "
            "0.45 million words: the default of the demo, in the gensim wheel",
            licence="CC BY-SA 3.0",
            origin="gensim 4, test data (dumps.wikimedia.org/enwiki, shortened)",
            file="enwiki-latest-pages-articles1.xml-p000000010p000030302-shortened.bz2",
            sha256="a53f4648dec40467ebdcbc7a1307eddb51fe6e28e9309f6ebde81ba0d04bea2d",
            size=1_695_871,
            dump=True,
            remedy="pip install gensim, whose wheel carries it",
        ),
        Corpus(
            name="text8",
            language="en",
            description="100 MB of the English Wikipedia of 2006: a-z and spaces, "
            "digits spelled out, one line; 17,005,207 words",
            licence="GFDL",
            origin="http://mattmahoney.net/dc/textdata.html",
            file="text8.zip",
            member="text8",
            sha256="6e890197040d37d85beb962ae1f041ff1d9a9ca8d20c7d99c85027eebf51dca7",
            size=100_000_000,
            url="http://mattmahoney.net/dc/text8.zip",
            url_sha256=(
                "a6640522afe85d1963ad56c05b0ede0a0c000dddc9671758a6cc09b7a38e5232"
            ),
            url_size=31_344_016,
        ),
        Corpus(
            name="enwik9",
            language="en",
            description="the first 10^9 bytes of the English Wikipedia of 3 March "
            "2006, cleaned here from the wiki markup",
            licence="GFDL",
            origin="http://mattmahoney.net/dc/textdata.html",
            file="enwik9.zip",
            member="enwik9",
            sha256="159b85351e5f76e60cbe32e04c677847a9ecba3adc79addab6f4c6c7aa3744bc",
            size=1_000_000_000,
            url="http://mattmahoney.net/dc/enwik9.zip",
            url_size=322_592_222,
            dump=True,
            cut_short=True,
        ),
        Corpus(
            name="enwiki2015_leads_100MB",
            language="en",
            description="the first 4.5 kB of 30,539 articles of the English Wikipedia "
            "of 2015, in the form of text8; 17,010,519 words",
            licence="CC BY-SA",
            origin=_NO_PUBLIC_COPY,
            file="enwiki2015_leads_100MB.txt.bz2",
            sha256="b48bc3beff747a1b8e885098f67663edcfe737880bad17aa59825dd638c99c95",
            size=26_284_330,
        ),
        Corpus(
            name="text8_prefix_12.5MB",
            language="en",
            description="the first 12.55 % of text8; 2,139,748 words",
            licence="GFDL",
            origin="http://mattmahoney.net/dc/textdata.html",
            file="text8_prefix_12.5MB.txt.bz2",
            sha256="3694c62c368eab5e78b43564669cbd92dc552df6f491beee41b52fa1fae0ed6b",
            size=3_342_190,
        ),
        Corpus(
            name="zhwiki2018_simplified_segmented_113MB",
            language="zh",
            description="the Chinese Wikipedia of 2018, simplified and segmented, a "
            "sentence a line; 18,073,086 words",
            licence="CC BY-SA",
            origin=_NO_PUBLIC_COPY,
            file="zhwiki2018_simplified_segmented_113MB.txt.bz2",
            sha256="b4ac559b32901e3e5a6746d263ea30362ab45a791646b0a03ddaf00e04663c43",
            size=33_659_155,
        ),
    )
}
