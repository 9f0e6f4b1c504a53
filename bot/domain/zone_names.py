"""What people call time zones: abbreviations, cities and countries that the tz database does not name.

Data only; `zones` looks names up. Every name is in lower case, without accents and punctuation.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

# Names by zone, separated by ", ". The first ones are offered first among zones that match equally well.
ALIASES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "UTC": "greenwich, zulu, z, uct, universal, coordinated universal time, universal coordinated time, "
        "greenwich mean time, utc gmt, gmt utc",
        "America/New_York": "eastern time, eastern, us eastern, et, est, edt, est5edt, nyc, new york city, "
        "manhattan, boston, philadelphia, princeton, atlanta, miami, pittsburgh, ithaca, new haven, baltimore, "
        "ann arbor, washington dc, raleigh, durham, orlando, cleveland, columbus, massachusetts, pennsylvania, "
        "florida, eastern time us canada, ny",
        "America/Chicago": "central time, us central, ct, cdt, cst6cdt, houston, dallas, austin, minneapolis, "
        "st louis, nashville, new orleans, kansas city, milwaukee, madison, urbana, champaign, texas, illinois, "
        "central time us canada, central standard time, central daylight time",
        "America/Denver": "mountain time, us mountain, mt, mst, mdt, mst7mdt, salt lake city, boulder, albuquerque, "
        "santa fe, los alamos, colorado, navajo, mountain time us canada",
        "America/Phoenix": "arizona, tucson, tempe",
        "America/Los_Angeles": "pacific time, pacific, us pacific, pt, pst, pdt, pst8pdt, california, "
        "san francisco, sf, bay area, seattle, palo alto, stanford, berkeley, san diego, portland, las vegas, "
        "pasadena, mountain view, oakland, redmond, la, pacific time us canada",
        "America/Anchorage": "alaska, akst, akdt, akt",
        "Pacific/Honolulu": "hawaii, hst, hawaii aleutian",
        "America/Toronto": "montreal, ottawa, waterloo, quebec",
        "America/Vancouver": "british columbia",
        "America/Edmonton": "calgary, alberta",
        "America/Halifax": "atlantic time, adt, nova scotia",
        "America/St_Johns": "newfoundland, nst, ndt",
        "America/Mexico_City": "guadalajara, puebla, cdmx",
        "America/Sao_Paulo": "brasilia, brt, brst, rio de janeiro, rio, campinas, belo horizonte, curitiba, "
        "porto alegre",
        "America/Argentina/Buenos_Aires": "art, argentina",
        "America/Santiago": "clt, clst, chile, valparaiso",
        "America/Bogota": "cot, medellin, cali",
        "America/Lima": "pet",
        "America/Caracas": "vet",
        "America/Montevideo": "uyt",
        "America/La_Paz": "bolivia time, bot",
        "Europe/London": "british time, british, bst, uk, gb, gb eire, great britain, britain, united kingdom, "
        "england, scotland, wales, oxford, edinburgh, manchester, glasgow, bristol, leeds, liverpool, cardiff",
        "Europe/Dublin": "eire, cork, galway",
        "Europe/Lisbon": "wet, west, western european time, western european, lisboa, porto, coimbra, portugal",
        "Europe/Paris": "lyon, toulouse, grenoble, marseille, bordeaux, lille, strasbourg, nantes, rennes, "
        "montpellier, saclay",
        "Europe/Berlin": "central european time, central european, central europe, cet, cest, met, mest, mez, mesz, "
        "munich, munchen, hamburg, frankfurt, cologne, koln, heidelberg, stuttgart, dusseldorf, leipzig, dresden, "
        "bonn, gottingen, tubingen, karlsruhe, aachen, darmstadt, freiburg, garching, hannover, nuremberg, "
        "deutschland",
        "Europe/Zurich": "geneva, lausanne, bern, basel, geneve, genf",
        "Europe/Vienna": "graz, linz, innsbruck, salzburg, wien",
        "Europe/Rome": "milan, turin, trieste, naples, bologna, florence, venice, padua, pisa, roma, milano, "
        "torino, italia",
        "Europe/Madrid": "barcelona, valencia, seville, bilbao, malaga, zaragoza, spain, espana",
        "Europe/Amsterdam": "rotterdam, delft, utrecht, leiden, eindhoven, the hague, groningen, nijmegen, holland",
        "Europe/Brussels": "antwerp, ghent, leuven",
        "Europe/Stockholm": "gothenburg, uppsala, lund, malmo",
        "Europe/Oslo": "bergen, trondheim",
        "Europe/Copenhagen": "aarhus, odense",
        "Europe/Warsaw": "krakow, cracow, wroclaw, gdansk, poznan",
        "Europe/Prague": "brno, praha, czechia",
        "Europe/Athens": "eet, eest, eastern european time, eastern european, thessaloniki, heraklion",
        "Europe/Helsinki": "espoo, tampere, turku, oulu",
        "Europe/Kyiv": "kiev, kharkiv, lviv, odesa, odessa, ukraine",
        "Europe/Istanbul": "ankara, izmir, trt, turkey, turkiye",
        "Europe/Moscow": "msk, msd, saint petersburg, st petersburg, dubna, w su, москва",
        "Africa/Cairo": "alexandria, giza",
        "Africa/Johannesburg": "cape town, pretoria, durban, stellenbosch, sast",
        "Africa/Lagos": "abuja, ibadan, wat, west africa",
        "Africa/Nairobi": "eat, east africa",
        "Africa/Maputo": "cat, central africa",
        "Africa/Casablanca": "rabat, marrakesh",
        "Asia/Jerusalem": "tel aviv, haifa, rehovot, beer sheva, idt",
        "Asia/Riyadh": "jeddah, mecca, thuwal, dammam",
        "Asia/Qatar": "doha",
        "Asia/Dubai": "abu dhabi, sharjah, uae, gst, gulf",
        "Asia/Tehran": "irst, irdt, isfahan, shiraz",
        "Asia/Karachi": "pkt, lahore, islamabad",
        "Asia/Kolkata": "indian, mumbai, bombay, delhi, new delhi, bangalore, bengaluru, chennai, madras, "
        "hyderabad, pune, calcutta, kanpur, kharagpur, ahmedabad, jaipur",
        "Asia/Dhaka": "bdt, chittagong",
        "Asia/Kathmandu": "npt",
        "Asia/Tashkent": "uzt",
        "Asia/Almaty": "almt, astana, kazakhstan",
        "Asia/Yekaterinburg": "yekt",
        "Asia/Novosibirsk": "novt",
        "Asia/Vladivostok": "vlat",
        "Asia/Bangkok": "ict, chiang mai",
        "Asia/Ho_Chi_Minh": "hanoi, saigon, ho chi minh city, da nang, viet nam, hcmc",
        "Asia/Jakarta": "wib, bandung, surabaya, yogyakarta",
        "Asia/Singapore": "sgt, 新加坡",
        "Asia/Shanghai": "china standard time, china, prc, beijing, peking, shenzhen, guangzhou, hangzhou, nanjing, "
        "wuhan, chengdu, xian, xi an, tianjin, chongqing, suzhou, hefei, harbin, 北京, 上海, tibet, lhasa, 北京时间",
        "Australia/Perth": "awst, western australia, australian western",
        "Asia/Hong_Kong": "hkt, hongkong, hk, kowloon, 香港",
        "Asia/Taipei": "hsinchu, kaohsiung, tainan, taichung, roc, 台北",
        "Asia/Kuala_Lumpur": "myt, penang, kl, malaysia",
        "Asia/Manila": "pht, phst, quezon city, cebu",
        "Asia/Tokyo": "jst, kyoto, osaka, yokohama, nagoya, sapporo, fukuoka, sendai, tsukuba, hiroshima, kobe, "
        "東京, 东京",
        "Asia/Seoul": "kst, daejeon, busan, incheon, pohang, rok, korea, south korea, republic of korea, 서울",
        "Australia/Adelaide": "acdt, south australia",
        "Australia/Sydney": "australian eastern time, australian eastern, aest, aedt, aet, canberra, new south wales",
        "Australia/Brisbane": "queensland",
        "Pacific/Auckland": "wellington, christchurch, dunedin, nzst, nzdt, nzt, nz, new zealand",
        "Pacific/Chatham": "nz chat",
        "Pacific/Guam": "chst",
        "America/Guayaquil": "ect, quito",
        "America/Asuncion": "pyt",
        "America/Cayenne": "gft",
        "America/Paramaribo": "srt",
        "America/Guyana": "gyt",
        "Asia/Macau": "macao",
        "Asia/Pyongyang": "north korea",
        "Asia/Yangon": "mmt",
        "Asia/Baku": "azt",
        "Asia/Tbilisi": "get",
        "Asia/Ashgabat": "tmt",
        "Asia/Bishkek": "kgt",
        "Asia/Dushanbe": "tjt",
        "Asia/Kabul": "aft",
        "Asia/Omsk": "omst",
        "Asia/Krasnoyarsk": "krat",
        "Asia/Irkutsk": "irkt",
        "Asia/Yakutsk": "yakt",
        "Asia/Magadan": "magt",
        "Asia/Kamchatka": "pett",
        "Europe/Samara": "samt",
        "Asia/Makassar": "wita",
        "Asia/Jayapura": "wit",
        "Asia/Ulaanbaatar": "ulat, mongolia",
        "Asia/Colombo": "slst",
        "Indian/Maldives": "mvt",
        "Indian/Mauritius": "mut",
        "Pacific/Fiji": "fjt",
        "Pacific/Port_Moresby": "pgt",
        "Asia/Brunei": "bnt",
    }
)

# Names that mean several zones: none of them is chosen, all are offered.
AMBIGUOUS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "cst": ("America/Chicago", "Asia/Shanghai"),
        "central": ("America/Chicago", "Europe/Berlin"),
        "ist": ("Asia/Kolkata", "Asia/Jerusalem", "Europe/Dublin"),
        "ast": ("America/Halifax", "Asia/Riyadh"),
        "amt": ("America/Manaus", "Asia/Yerevan"),
        "sst": ("Pacific/Pago_Pago", "Asia/Singapore"),
        "wst": ("Australia/Perth", "Pacific/Apia"),
        "acst": ("Australia/Adelaide", "Australia/Darwin"),
        "cambridge": ("Europe/London", "America/New_York"),
        "birmingham": ("Europe/London", "America/Chicago"),
        "georgia": ("Asia/Tbilisi", "America/New_York"),
        "san jose": ("America/Los_Angeles", "America/Costa_Rica"),
        "washington": ("America/New_York", "America/Los_Angeles"),
        "gulf standard": ("Asia/Dubai", "Asia/Riyadh"),
    }
)

# Other words for a country, by its ISO 3166 code: with them all its zones are found.
COUNTRY_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "AE": "emirates uae",
        "CD": "congo",
        "GB": "great britain england uk",
        "KR": "south korea",
        "NL": "holland",
        "RU": "russian federation",
        "TR": "turkey turkiye",
        "US": "usa us america",
        "VN": "viet nam",
    }
)
