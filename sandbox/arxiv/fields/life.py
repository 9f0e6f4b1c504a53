"""Proteins and cells, medicine and the brain, climate and the Earth."""

from sandbox.arxiv.fields.model import ResearchField

PROTEINS = ResearchField(
    categories=(("q-bio.BM", "cs.LG"), ("q-bio.QM",), ("q-bio.GN", "q-bio.QM"), ("physics.bio-ph",)),
    topics=(
        "protein design",
        "protein folding",
        "drug discovery",
        "single-cell RNA sequencing",
        "molecular generation",
        "evolution",
    ),
    methods=("AlphaFold", "a protein language model", "molecular dynamics", "equivariant diffusion"),
    testbeds=("the Protein Data Bank", "QM9", "the Human Cell Atlas", "CRISPR screens"),
    sentences=(
        "A protein language model predicts stability without a structure.",
        "Protein structure prediction with AlphaFold fails for disordered regions.",
        "Drug discovery spends most of its time on molecules that bind to the wrong target.",
        "Genomics needs models of DNA that read $10^6$ bases at once.",
        "The gene expression of single cells follows RNA velocity only for $\\sim$2 h.",
        "Ca$^{2+}$ waves and cell migration are coupled in cancer biology.",
    ),
)
MEDICINE = ResearchField(
    categories=(("eess.IV", "cs.CV"), ("q-bio.NC",), ("cs.CV", "cs.AI"), ("q-bio.PE", "physics.soc-ph")),
    topics=(
        "medical imaging",
        "brain networks",
        "cancer detection",
        "epidemic models",
        "brain-computer interfaces",
        "neuroscience",
    ),
    methods=("a U-Net", "functional MRI", "EEG decoding", "compartmental models"),
    testbeds=("BraTS", "the UK Biobank", "chest X-ray reports", "COVID-19 case counts"),
    sentences=(
        "MRI reconstruction from 10% of $k$-space is safe for 95% of patients.",
        "Neuroscience has no agreed measure of what a brain computes.",
        "EEG and fMRI disagree about the default mode network.",
        "Medical image segmentation transfers between hospitals when contrast is normalised.",
        "The COVID-19 epidemic had a reproduction number of $R_0 \\approx 2.9$.",
        "Healthcare AI that finds cancer must explain what it saw.",
        "A spiking neural network consumes 20\\,$\\mu$W per synaptic event.",
    ),
)
CLIMATE = ResearchField(
    categories=(("physics.ao-ph",), ("physics.geo-ph",), ("physics.ao-ph", "cs.LG"), ("cs.CV", "eess.IV")),
    topics=(
        "climate models",
        "climate change",
        "weather forecasting",
        "remote sensing",
        "CO$_2$ capture",
        "earthquakes",
    ),
    methods=("data assimilation", "a neural weather model", "satellite altimetry", "seismic tomography"),
    testbeds=("ERA5", "CMIP6", "Sentinel-2 images", "ice cores from Greenland"),
    sentences=(
        "Climate sensitivity to a doubling of CO$_2$ is $2.9\\pm0.4$\\,K.",
        "Machine learning emulates a climate model at a thousandth of its cost.",
        "Weather forecasting beyond 10 days needs the ocean.",
        "CH$_4$ and N$_2$O emissions from rivers are $\\sim 30\\%$ larger than assumed.",
        "Remote sensing of forests underestimates biomass above $200~{\\rm t\\,ha^{-1}}$.",
        "Sea level rose by 3.4\\,mm\\,yr$^{-1}$, half of it from melting ice.",
        "Sustainability of AI depends on the carbon footprint of its data centres.",
    ),
)
