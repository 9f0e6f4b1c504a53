"""Quantum physics, materials, chemistry, fluids and light, with the TeX that their abstracts contain."""

from sandbox.arxiv.fields.model import ResearchField

QUANTUM_INFORMATION = ResearchField(
    categories=(("quant-ph",), ("quant-ph", "cond-mat.str-el"), ("quant-ph", "cs.DS")),
    topics=(
        "quantum error correction",
        "variational quantum algorithms",
        "entanglement",
        "quantum walks",
        "quantum information",
    ),
    methods=(
        "surface-code decoding",
        "Schrödinger-picture simulation",
        "randomised benchmarking",
        "tensor networks",
    ),
    testbeds=("a 72-qubit device", "the toric code", "trapped ions", "a Heisenberg chain"),
    sentences=(
        "The logical error rate falls below $10^{-6}$ per cycle when $d > 11$.",
        "Barren plateaus appear already at depth $\\mathcal{O}(n)$.",
        "We solve the Schrödinger equation for $N \\leq 40$ spins without truncation.",
        "Quantum information is protected by the entanglement entropy $S \\propto L\\ln L$.",
        "Quantum key distribution (QKD) over 100\\,km of fibre tolerates a loss of 17\\,dB.",
    ),
)
QUANTUM_COMPUTING = ResearchField(
    categories=(("quant-ph",), ("quant-ph", "cs.ET"), ("quant-ph", "physics.atom-ph")),
    topics=(
        "quantum computing",
        "quantum machine learning",
        "superconducting qubits",
        "Rydberg atoms",
        "quantum sensing",
        "quantum simulation",
    ),
    methods=("QAOA", "a variational quantum eigensolver (VQE)", "zero-noise extrapolation", "optimal control"),
    testbeds=("127 transmon qubits", "$^{87}$Rb atoms", "nitrogen-vacancy centres", "a photonic chip"),
    sentences=(
        "Quantum computers need $\\sim 10^6$ physical qubits to break RSA-2048 with Shor's algorithm.",
        "Quantum machine learning on NISQ devices shows no advantage for $n<50$ qubits.",
        "The qubit has $T_1 = 120\\,\\mu$s and a gate fidelity of 99.9\\%.",
        "A Bose-Einstein condensate of $^{87}$Rb in an optical lattice simulates the Hubbard model.",
        "Quantum advantage in sampling does not survive noise of $\\epsilon \\gtrsim 1/n$.",
        "Decoherence of an open quantum system is described by a Lindblad equation with rate $\\gamma$.",
    ),
)
QUANTUM_MATERIALS = ResearchField(
    categories=(
        ("cond-mat.mtrl-sci",),
        ("cond-mat.supr-con",),
        ("cond-mat.str-el",),
        ("cond-mat.mes-hall",),
    ),
    topics=(
        "high-temperature superconductivity",
        "moiré materials",
        "topological insulators",
        "twisted bilayer graphene",
        "quantum spin liquids",
        "magnetism",
    ),
    methods=(
        "density functional theory",
        "angle-resolved photoemission",
        "dynamical mean-field theory",
        "neutron scattering",
    ),
    testbeds=("twisted bilayer graphene", "La$_3$Ni$_2$O$_7$", "MoS$_2$ monolayers", "$\\alpha$-RuCl$_3$"),
    sentences=(
        "The gap closes at $T<12$ K, well before the resistive transition.",
        "A moiré period of 13 nm suffices to flatten the band.",
        "Superconductivity in YBa$_2$Cu$_3$O$_{7-\\delta}$ sets in at $T_c = 92$\\,K.",
        "A superconductor with $d_{x^2-y^2}$ pairing hosts no Majorana fermions.",
        "Topological phases of graphene have a Chern number of $C=\\pm1$.",
        "The magnetic order of the Mott insulator vanishes at $T_N \\approx 7$\\,K.",
        "Spintronics with altermagnets needs no net magnetism.",
    ),
)
CHEMISTRY = ResearchField(
    categories=(("physics.chem-ph", "cs.LG"), ("cond-mat.mtrl-sci",), ("physics.chem-ph",)),
    topics=(
        "interatomic potentials",
        "materials discovery",
        "lithium-ion batteries",
        "perovskite solar cells",
        "catalysis",
        "water splitting",
    ),
    methods=(
        "equivariant message passing",
        "density functional theory",
        "coupled cluster theory",
        "molecular dynamics",
    ),
    testbeds=("liquid water", "Li$_7$La$_3$Zr$_2$O$_{12}$", "CH$_3$NH$_3$PbI$_3$", "the Materials Project"),
    sentences=(
        "Our potential reproduces the phonon dispersion to within 2 meV/Å.",
        "Density functional theory (DFT) underestimates the band gap of TiO$_2$ by 1.1\\,eV.",
        "Molecular dynamics of H$_2$O at 300\\,K agrees with X-ray diffraction.",
        "A battery with a solid electrolyte keeps 90\\% of its capacity after $10^3$ cycles.",
        "The reaction CO$_2$ + H$_2$ $\\rightarrow$ CO + H$_2$O is limited by its first step.",
        "Machine learning finds perovskites with $E_g \\simeq 1.4$\\,eV for solar cells.",
        "Hydrogen storage in MgH$_2$ needs a catalyst.",
    ),
)
FLUIDS = ResearchField(
    categories=(("physics.flu-dyn",), ("physics.plasm-ph",), ("cond-mat.soft",), ("nlin.CD",)),
    topics=(
        "turbulence",
        "fluid dynamics",
        "plasma confinement",
        "active matter",
        "nonlinear dynamics",
        "nuclear fusion",
    ),
    methods=("direct numerical simulation", "physics-informed neural networks", "gyrokinetics", "particle tracking"),
    testbeds=("a tokamak", "pipe flow at $\\mathrm{Re} = 10^5$", "dense suspensions", "swimming bacteria"),
    sentences=(
        "Turbulence in a channel follows $E(k) \\sim k^{-5/3}$ up to the dissipation scale.",
        "The plasma of a tokamak loses heat through modes with $k_\\perp\\rho_i \\lesssim 1$.",
        "Active matter and soft matter share the glass transition.",
        "Fluid dynamics near a wall is chaotic for Re $\\gtrsim 2000$.",
        "Polymers reduce drag by 40\\%, as the Navier-Stokes equations with elastic stress predict.",
        "Chaos in the Lorenz system ends at $\\rho \\approx 24.06$.",
        "A physics-informed neural network (PINN) needs no mesh.",
    ),
)
OPTICS = ResearchField(
    categories=(("physics.optics",), ("cond-mat.stat-mech",), ("physics.soc-ph", "cs.SI"), ("nucl-th",)),
    topics=(
        "photonics",
        "metasurfaces",
        "phase transitions",
        "statistical mechanics",
        "complex networks",
        "laser physics",
    ),
    methods=("a renormalization group", "inverse design", "Monte Carlo simulation", "ultrafast spectroscopy"),
    testbeds=("the Ising model", "silicon nitride chips", "a frequency comb at 1550\\,nm", "$^{208}$Pb nuclei"),
    sentences=(
        "The Ising model has a phase transition at $T_c = 2/\\ln(1+\\sqrt{2})$.",
        "Photonics on a chip replaces a laser of 1\\,m length.",
        "A metamaterial with $\\epsilon<0$ and $\\mu<0$ bends light the wrong way.",
        "Statistical mechanics out of equilibrium obeys $\\langle e^{-\\beta W}\\rangle = e^{-\\beta\\Delta F}$.",
        "Complex networks with degree exponent $2<\\gamma<3$ have no epidemic threshold.",
        "Thermodynamics of small systems limits the efficiency of nonlinear optics.",
    ),
)
