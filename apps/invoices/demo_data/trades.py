"""What the demo's customers are called, and what is sold to them."""

from __future__ import annotations

FAMILIES = (
    "Aubry",
    "Bailly",
    "Barbier",
    "Besnard",
    "Bonnet",
    "Boucher",
    "Carpentier",
    "Chevalier",
    "Colin",
    "Delmas",
    "Dubreuil",
    "Dumas",
    "Fabre",
    "Ferrand",
    "Garnier",
    "Gaudin",
    "Guérin",
    "Hamel",
    "Jacquet",
    "Lacroix",
    "Lambert",
    "Leblanc",
    "Lecomte",
    "Legrand",
    "Lemaire",
    "Maillard",
    "Marchal",
    "Mercier",
    "Morin",
    "Noël",
    "Olivier",
    "Pasquier",
    "Perrot",
    "Picard",
    "Poirier",
    "Renaud",
    "Roussel",
    "Tessier",
    "Thibault",
    "Vasseur",
    "Verdier",
    "Vidal",
    "Weber",
)

ACTIVITIES = (
    "Menuiserie {}",
    "Boulangerie {}",
    "{} Électricité",
    "Librairie {}",
    "Garage {}",
    "{} & Fils",
    "Imprimerie {}",
    "Cabinet {}",
    "Pépinières {}",
    "Traiteur {}",
)

FORMS = ("SARL", "SAS", "SASU", "EURL", "SA", "SCOP")

MAILBOXES = ("comptabilite", "compta", "factures", "fournisseurs", "contact", "gestion")

#: label, unit, least and greatest price in cents, VAT rate in percent, quantities to choose from.
CATALOGUE = (
    ("Ramette de papier A4 80 g", "C62", 399, 690, "20", ("5", "10", "20", "50")),
    ("Cartouche de toner noir", "C62", 4990, 11900, "20", ("1", "2", "4")),
    ("Classeur à levier, dos 75 mm", "C62", 245, 420, "20", ("10", "25", "40")),
    ("Fauteuil de bureau ergonomique", "C62", 18900, 42500, "20", ("1", "2", "6")),
    ("Bureau réglable en hauteur 160 × 80 cm", "C62", 39900, 69900, "20", ("1", "2", "3")),
    ("Livraison et montage", "C62", 4500, 18000, "20", ("1",)),
    ("Assistance informatique", "HUR", 6500, 9500, "20", ("1.5", "2", "3.25", "7")),
    ("Formation bureautique, groupe de 6", "DAY", 72000, 98000, "20", ("0.5", "1", "2")),
    ("Contrat d’entretien du parc, trimestre", "C62", 24000, 78000, "20", ("1",)),
    ("Rénovation de l’éclairage des bureaux", "HUR", 4800, 6200, "10", ("8", "14.5", "21")),
    ("Pose de cloisons, locaux d’habitation", "MTR", 6200, 8900, "10", ("6", "12.75", "18")),
    ("Plateau-repas livré, réunion", "C62", 1490, 2450, "10", ("4", "8", "12")),
    ("Café en grains, torréfaction artisanale", "KGM", 1890, 2650, "5.5", ("2", "5", "7.5")),
    ("Corbeille de fruits de saison", "C62", 2450, 3900, "5.5", ("1", "2", "4")),
    ("Guide pratique de facturation, broché", "C62", 1900, 3200, "5.5", ("1", "3", "10")),
    ("Abonnement au journal professionnel, an", "C62", 9600, 18900, "2.1", ("1", "2")),
    ("Timbres et affranchissement, débours", "C62", 129, 249, "0", ("20", "50", "100")),
)

#: What of it is a service.
SERVICES = frozenset(
    {
        "Livraison et montage",
        "Assistance informatique",
        "Formation bureautique, groupe de 6",
        "Contrat d’entretien du parc, trimestre",
        "Rénovation de l’éclairage des bureaux",
        "Pose de cloisons, locaux d’habitation",
    }
)
