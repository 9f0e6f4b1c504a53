"""Names in research that have accents, by their spelling without accents.

arXiv's index does not fold accents in titles and abstracts: a person who types `Schrodinger` wants `Schrödinger` too.
"""

from collections.abc import Mapping
from typing import Final

from bot.domain.words import unaccented

_NAMES: Final = """
    ångström bäcklund bézier bénard brønsted calabrò cauchy-löwner cesàro čech čerenkov clebsch-schrödinger cramér
    désargues döblin erdős fejér fréchet fröhlich gâteaux gödel grünwald gröbner güntürkün hölder hörmander itô kähler
    kővári klüver köthe kármán könig künneth lévy löb löwenheim löwner möbius møller mössbauer nédélec néel néron
    nyström ørsted painlevé pál poincaré pólya poincaré-hölder plücker rényi régge rössler schrödinger schönhage
    schläfli strömgren szegő szemerédi szőkefalvi teichmüller tschebyscheff turán ulam-gödel weierstraß wünsch
    naïve café cliché déjà façade résumé vis-à-vis noël étale étalé röntgen fréedericksz höhle zürich münchen
    québec são montréal bézout carathéodory calderón chabán chételat émery ériksson gårding güler hénon jørgensen
    kőnig lindelöf lovász maupertuis-poincaré molière mañé milnor-čech ångstrom padé peña prüfer rademacher-lévy
    rüdiger schützenberger sérsic strömberg tóth vasicek-lévy väisälä brunt-väisälä zölder århus süli köhler böhm
    büchi bär hückel höchst jäger lüroth lüscher müller nöther tôhoku
"""
ACCENTED_NAMES: Final[Mapping[str, str]] = {
    unaccented(name): name for name in _NAMES.replace("-", " ").split() if unaccented(name) != name
}
