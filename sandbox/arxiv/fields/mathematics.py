"""Pure and applied mathematics, with the TeX that its abstracts contain."""

from sandbox.arxiv.fields.model import ResearchField

GEOMETRY = ResearchField(
    categories=(("math.AG",), ("math.NT", "math.AG"), ("math.CO",), ("math.NT",)),
    topics=(
        "Calabi--Yau threefolds",
        "Hodge numbers",
        "Erdős problems",
        "modular forms",
        "Poincaré duality",
        "algebraic geometry",
    ),
    methods=("derived categories", "the circle method", "$p$-adic deformation", "étale cohomology"),
    testbeds=("abelian varieties over $\\mathbb{Q}$", "K3 surfaces", "random graphs $G(n,p)$", "Shimura curves"),
    sentences=(
        "We prove that $\\sum_{n<x} a(n) \\ll x^{1/2+\\epsilon}$ unconditionally.",
        "This answers a question of Erdős and Rényi for all $n > n_0$.",
        "As a corollary, the Poincaré series is rational.",
        "Mirror symmetry identifies the moduli space with a toric variety.",
        "In algebraic geometry, vector bundles of rank $r \\geq 2$ on $\\mathbb{P}^n$ with $c_1 = 0$ are rare.",
    ),
)
NUMBERS = ResearchField(
    categories=(("math.NT",), ("math.NT", "math.CO"), ("math.NT", "math.RT")),
    topics=(
        "prime numbers",
        "elliptic curves",
        "the Riemann zeta function",
        "$L$-functions",
        "Diophantine equations",
        "number theory",
    ),
    methods=("analytic number theory", "sieve methods", "the Langlands correspondence", "Iwasawa theory"),
    testbeds=(
        "quadratic fields $\\mathbb{Q}(\\sqrt{-d})$",
        "GL$_2(\\mathbb{A})$",
        "smooth numbers",
        "Fermat quotients",
    ),
    sentences=(
        "The Riemann hypothesis implies that gaps between prime numbers are $\\ll \\sqrt{p}\\log p$.",
        "In analytic number theory, $\\zeta(1/2+it) \\ll t^{13/84+\\varepsilon}$ is the best known bound.",
        "The rank of an elliptic curve $E/\\mathbb{Q}$ is at most 1 for a positive proportion.",
        "The Langlands program relates Galois representations to automorphic forms.",
        "Number theory enters through the distribution of $\\{n\\alpha\\}$ modulo 1.",
        "The $abc$ conjecture yields $a+b=c$ with $\\mathrm{rad}(abc)^{1+\\epsilon} > c$.",
    ),
)
GRAPHS = ResearchField(
    categories=(("math.CO",), ("math.CO", "cs.DM"), ("math.PR", "math.CO"), ("math.LO",)),
    topics=(
        "graph theory",
        "extremal combinatorics",
        "graph coloring",
        "random graphs",
        "Ramsey numbers",
        "set theory",
    ),
    methods=("the probabilistic method", "flag algebras", "the regularity lemma", "a formal proof in Lean"),
    testbeds=("planar graphs", "hypergraphs $K_r^{(3)}$", "the hypercube $\\{0,1\\}^n$", "Cayley graphs"),
    sentences=(
        "Extremal graph theory asks for the largest $H$-free graph with $n$ vertices.",
        "The Ramsey number satisfies $R(k,k) \\leq (4-\\varepsilon)^k$.",
        "Graph theory and combinatorics meet in the chromatic polynomial $P_G(q)$.",
        "We formalise the proof in Lean~4; mathematical logic and set theory explain why induction is needed.",
        "A matroid of rank $r$ has at most $\\binom{n}{r}$ bases.",
        "Percolation on $\\mathbb{Z}^d$ has no infinite cluster at $p=p_c$.",
    ),
)
ANALYSIS = ResearchField(
    categories=(("math.AP",), ("math.NA", "cs.NA"), ("math.PR",), ("math.DS",), ("math.FA", "math.OA")),
    topics=(
        "partial differential equations",
        "the Navier--Stokes equations",
        "dynamical systems",
        "random matrices",
        "finite element methods",
        "probability theory",
        "functional analysis",
    ),
    methods=("optimal transport", "numerical analysis", "stochastic calculus", "harmonic analysis"),
    testbeds=("a torus $(\\mathbb{R}/\\mathbb{Z})^d$", "Lipschitz domains", "the Ising model", "Brownian motion"),
    sentences=(
        "Solutions of the Navier-Stokes equations in $L^\\infty_t H^1_x$ stay smooth.",
        "The finite element method converges with order $h^{k+1}$ in the $L^2$ norm.",
        "Ergodic theory shows that the dynamical system mixes exponentially.",
        "The partial differential equation (PDE) $\\partial_t u = \\Delta u + u^p$ blows up for $p > 3$.",
        "Eigenvalues of random matrices repel, and the stochastic process converges to a Gaussian field.",
        "Functional analysis on Banach spaces gives a spectral gap for the operator $\\mathcal{L}$.",
    ),
)
ALGEBRA = ResearchField(
    categories=(("math.GT",), ("math.AT", "math.CT"), ("math.RT", "math.QA"), ("math.GR",), ("math.DG",)),
    topics=(
        "group theory",
        "representation theory",
        "category theory",
        "knot theory",
        "algebraic topology",
        "differential geometry",
        "operator algebras",
    ),
    methods=("persistent homology", "Ricci flow", "spectral sequences", "Floer homology"),
    testbeds=("hyperbolic 3-manifolds", "$C^*$-algebras", "the braid group $B_n$", "$\\mathrm{SL}_2(\\mathbb{Z})$"),
    sentences=(
        "Category theory turns the construction into a left adjoint of $\\infty$-categories.",
        "Knot theory distinguishes $4_1$ from its mirror image by the Jones polynomial.",
        "Group theory: each finitely generated subgroup of $\\mathrm{SL}_2(\\mathbb{Z})$ is virtually free.",
        "In topology, $\\pi_1(M)$ determines the manifold $M^3$ up to homeomorphism.",
        "The representation theory of the Lie algebra $\\mathfrak{sl}_2$ starts with $[e,f]=h$.",
        "In differential geometry, the Ricci flow on a Riemannian manifold converges when the curvature is positive.",
        "The homotopy type is that of a wedge of $\\binom{n}{2}$ spheres, and a $C^*$-algebra classifies it.",
    ),
)
