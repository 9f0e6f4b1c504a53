"""Astronomy, cosmology, gravity and particles, with the TeX that their abstracts contain."""

from sandbox.arxiv.fields.model import ResearchField

GALAXIES = ResearchField(
    categories=(("astro-ph.GA",), ("astro-ph.CO",), ("astro-ph.GA", "astro-ph.CO"), ("astro-ph.HE", "gr-qc")),
    topics=(
        "fast radio bursts",
        "high-redshift galaxies",
        "galaxy clusters",
        "dark matter halos",
        "active galactic nuclei",
        "star formation",
    ),
    methods=(
        "Bayesian spectral fitting",
        "integral-field spectroscopy",
        "simulation-based inference",
        "JWST/NIRSpec imaging",
    ),
    testbeds=("the COSMOS field", "the Sloan survey", "the Virgo cluster", "the Milky Way's halo"),
    sentences=(
        "We find a metallicity of $Z<0.1\\,Z_\\odot$ at redshift z > 9.",
        "The signal-to-noise ratio is 14.2 in the combined data.",
        "H$\\alpha$ and [O\\,{\\sc iii}] emission traces star formation out to $z\\sim2$.",
        "The galaxy has a black hole of $M_\\bullet \\sim 10^{7.5}\\,M_\\odot$ in its active nucleus.",
        "Little red dots in JWST images outnumber quasars at $z\\gtrsim5$.",
        "Dark matter halos of $10^{12}\\,h^{-1}M_\\odot$ host most galaxies of the Milky Way's mass.",
    ),
)
COSMOLOGY = ResearchField(
    categories=(("astro-ph.CO",), ("astro-ph.CO", "hep-ph"), ("astro-ph.CO", "gr-qc")),
    topics=(
        "dark matter",
        "dark energy",
        "the Hubble tension",
        "cosmic inflation",
        "the cosmic microwave background",
        "large-scale structure",
    ),
    methods=("baryon acoustic oscillations", "weak lensing", "a Fisher forecast", "$N$-body simulations"),
    testbeds=("Planck 2018", "DESI DR2", "Euclid", "Type Ia supernovae"),
    sentences=(
        "$\\Lambda$CDM fits the data with $\\Omega_m = 0.31$ and $\\sigma_8 = 0.81$.",
        "The H$_0$ tension between $67.4$ and $73.0~{\\rm km\\,s^{-1}\\,Mpc^{-1}}$ persists at $5\\sigma$.",
        "Dark energy with $w_0 > -1$ is preferred over a cosmological constant.",
        "Dark matter of mass $m_\\chi \\sim 10\\,$GeV would heat neutron stars.",
        "The CMB limits the tensor-to-scalar ratio of inflation to $r<0.032$.",
        "Cosmology with $f\\sigma_8$ and $S_8 \\equiv \\sigma_8\\sqrt{\\Omega_m/0.3}$ favours modified gravity.",
    ),
)
STARS = ResearchField(
    categories=(("astro-ph.EP", "astro-ph.SR"), ("astro-ph.SR",), ("astro-ph.EP",), ("astro-ph.IM",)),
    topics=(
        "exoplanet atmospheres",
        "exoplanets",
        "stellar evolution",
        "protoplanetary disks",
        "solar flares",
        "white dwarfs",
    ),
    methods=("transit photometry", "radial velocities", "asteroseismology", "Gaia astrometry"),
    testbeds=("TOI-700", "K2-18\\,b", "globular clusters", "the Sun"),
    sentences=(
        "No planet with $M<3M_\\oplus$ is excluded at the 3$\\sigma$ level.",
        "The exoplanet has CO$_2$ and H$_2$O in its atmosphere at $T_{\\rm eff} \\sim 700$\\,K.",
        "Stars with [Fe/H] $< -2$ rotate slowly.",
        "A supernova of a white dwarf leaves $0.6\\,M_\\odot$ of $^{56}$Ni.",
        "Solar flares follow a power law with $\\alpha = 1.8 \\pm 0.1$.",
        "The asteroid and the comet formed beyond 5\\,AU.",
    ),
)
GRAVITY = ResearchField(
    categories=(("gr-qc",), ("astro-ph.HE", "gr-qc"), ("gr-qc", "hep-th")),
    topics=(
        "gravitational waves",
        "black holes",
        "neutron stars",
        "general relativity",
        "gamma-ray bursts",
        "quantum gravity",
    ),
    methods=("numerical relativity", "pulsar timing", "a post-Newtonian expansion", "matched filtering"),
    testbeds=("LIGO's fourth observing run", "GW170817", "M87$^*$", "the Kerr metric"),
    sentences=(
        "Gravitational waves from binary black holes with $M > 100\\,M_\\odot$ are too frequent.",
        "The black hole shadow of M87$^*$ is consistent with general relativity.",
        "A neutron star of $2.1\\,M_\\odot$ rules out soft equations of state.",
        "Hawking radiation of a Kerr black hole is $\\propto \\kappa^2$.",
        "Gamma-ray bursts and magnetars emit $\\gamma$-rays above 100\\,GeV.",
        "Loop quantum gravity replaces the singularity by a bounce.",
    ),
)
PARTICLES = ResearchField(
    categories=(("hep-ph",), ("hep-ex",), ("hep-lat", "hep-ph"), ("nucl-ex",)),
    topics=(
        "neutrino oscillations",
        "the Higgs boson",
        "axions",
        "lattice QCD",
        "supersymmetry",
        "the quark--gluon plasma",
    ),
    methods=("an effective field theory", "jet tagging", "a global fit", "next-to-leading-order QCD"),
    testbeds=("the LHC at $\\sqrt{s}=13.6$\\,TeV", "IceCube", "Belle II", "XENONnT"),
    sentences=(
        "The Higgs boson decays to $\\mu^+\\mu^-$ at the rate of the Standard Model.",
        "Neutrino masses satisfy $\\sum m_\\nu < 0.07$\\,eV.",
        "QCD at finite density has a critical point near $\\mu_B \\sim 600$\\,MeV.",
        "Supersymmetry with $m_{\\tilde g} < 2.3$\\,TeV is excluded by the LHC.",
        "An axion of $m_a \\simeq 30\\,\\mu$eV would be the dark matter.",
        "The decay $B\\to K^{(*)}\\ell^+\\ell^-$ and $\\pi^0\\to\\gamma\\gamma$ agree with particle physics.",
    ),
)
STRINGS = ResearchField(
    categories=(("hep-th",), ("hep-th", "math-ph"), ("math-ph",)),
    topics=(
        "string theory",
        "holography",
        "conformal field theory",
        "quantum field theory",
        "scattering amplitudes",
        "integrable systems",
    ),
    methods=("the conformal bootstrap", "AdS/CFT", "the replica trick", "localization"),
    testbeds=("super Yang--Mills theory with $N=4$", "AdS$_5\\times S^5$", "the SYK model", "de Sitter space"),
    sentences=(
        "String theory on AdS$_3\\times S^3$ is dual to a conformal field theory with $c = 6N$.",
        "The AdS/CFT correspondence relates black hole entropy to entanglement.",
        "Quantum field theory in $d=4-\\epsilon$ dimensions has a fixed point at $\\lambda^*$.",
        "Holography suggests that $\\eta/s \\geq 1/4\\pi$.",
        "The swampland conjectures exclude de Sitter vacua of string theory.",
        "Yang-Mills theory confines, and gauge theory on the lattice shows how.",
    ),
)
