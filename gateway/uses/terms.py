"""The terms that are typical of each use, by weight, in lower case.

A use needs terms of 4 together: 4 alone is enough, 3 needs any other hint, and 1 is a hint. Terms are one word or two.
"""

import re

__all__ = ["PATTERNS", "TERMS"]

#: Use -> weight -> terms, with commas between them. The keys are those of `USES`.
TERMS: dict[str, dict[int, str]] = {
    "programming": {
        4: "stack trace, unit test, source code, pull request, software engineering, coding assistant, coding agent",
        3: (
            "python, javascript, typescript, kotlin, golang, c++, c#, php, traceback, refactor, regex, sql, "
            "postgresql, sqlite, npm, codebase, compiler, segfault, github, null pointer, type error, merge conflict"
        ),
        2: (
            "code, coding, function, bug, debug, compile, api, json, html, css, algorithm, script, backend, frontend, "
            "database, variable, java, rust, react, django, exception, syntax, git, repo, repository, programmer, "
            "docker, kubernetes, developer"
        ),
        1: "test, file, error, method, string, array, loop, class, node, query, implement, library, command, software",
    },
    "roleplay": {
        4: "roleplay, roleplaying, role play, game master, dungeon master, in character",
        3: "narrator, narrate, your character, rpg, lore",
        2: "pretend to, dungeon, vampire, are playing, the tavern, you awaken",
        1: "character, persona, tavern, quest, wizard, elf, dragon, scene, dialogue, fantasy, kingdom, sword, whisper",
    },
    "marketing": {
        4: "ad copy, email campaign, target audience, product description, marketing campaign, copywriting",
        3: "marketing, slogan, tagline, copywriter, landing page, advertisement, influencer, brand voice",
        2: "campaign, brand, newsletter, advert, promotional, funnel, social media, call to, branding",
        1: "audience, engagement, conversion, customer, instagram, linkedin, tiktok, headline, promote, launch, catchy",
    },
    "marketing/seo": {
        4: "seo, keyword research, meta description, backlink, organic traffic, search volume, domain authority",
        3: "serp, title tag, search engine, search ranking, long tail",
        2: "keyword, sitemap, alt text, internal link, google search",
        1: "ranking, crawl, website, snippet, blog",
    },
    "technology": {
        4: "operating system, graphics card, hard drive, data center, motherboard",
        3: "wifi, wi fi, firmware, bluetooth, cybersecurity, vpn, ssd, semiconductor, gadget, malware, antivirus",
        2: (
            "smartphone, laptop, gpu, cpu, router, linux, macos, iphone, printer, phishing, hardware, usb, hdmi, "
            "blockchain, machine learning, artificial intelligence, aws, azure, saas, 5g, reboot, encryption"
        ),
        1: "windows, android, cloud, server, network, chip, device, install, driver, browser, software, update",
    },
    "science": {
        4: "photosynthesis, black hole, quantum mechanic, periodic table, natural selection",
        3: (
            "physics, chemistry, biology, quantum, molecule, enzyme, dna, rna, genome, atom, electron, photon, "
            "thermodynamic, theorem, algebra, calculus, astronomy, isotope, mathematics"
        ),
        2: (
            "molecular, protein, gene, gravity, equation, integral, derivative, geometry, experiment, hypothesis, "
            "species, ecosystem, galaxy, planet, chemical, reaction, catalyst, neuron, velocity, kinetic, entropy"
        ),
        1: "cell, evolution, climate, proof, probability, energy, temperature, particle, solve, orbit, mass",
    },
    "translation": {
        4: "translate into, translate to, translator, translate the, translate this, translate from, translating",
        3: "translate, translation, übersetze, übersetzen, übersetzung, traduce, traducir, traduis, traduire, traduzir",
        2: (
            "into english, into french, into german, into spanish, into italian, into japanese, into chinese, "
            "to english, to french, to german, to spanish, to italian, to japanese, to chinese, source language, "
            "target language, bilingual, subtitle"
        ),
        1: (
            "english, french, german, spanish, italian, portuguese, dutch, polish, russian, ukrainian, turkish, "
            "arabic, hindi, japanese, korean, chinese, mandarin, swedish, czech, greek, vietnamese, language"
        ),
    },
    "legal": {
        4: "plaintiff, defendant, subpoena, case law, legal advice, privacy policy, non disclosure, governing law",
        3: (
            "clause, lawyer, attorney, lawsuit, statute, litigation, legal, jurisdiction, nda, arbitration, tort, "
            "paralegal, indemnity, indemnification, supreme court"
        ),
        2: "contract, court, liability, gdpr, tenant, landlord, copyright, trademark, patent, breach, hereby, sue",
        1: "agreement, lease, regulation, compliance, judge, law, divorce, party, terminate, notice, rights",
    },
    "finance": {
        4: "balance sheet, ebitda, cash flow, income statement, interest rate, price target",
        3: "dividend, mortgage, etf, valuation, finance, financial, forex, 401k, profit margin, shareholder",
        2: (
            "stock, portfolio, revenue, earnings, investment, investor, invest, inflation, tax, accounting, invoice, "
            "ledger, hedge, equity, loan, crypto, bitcoin, trading, trader, fiscal, accountant"
        ),
        1: "bond, budget, bank, market, retirement, audit, quarter, profit, price, saving, debt, asset, fund",
    },
    "health": {
        4: "blood pressure, diabetes, antibiotic, side effect, medical advice, blood sugar",
        3: (
            "symptom, diagnosis, medication, dosage, disease, cancer, headache, medical, insomnia, allergy, vaccine, "
            "cholesterol, physician, migraine, ibuprofen"
        ),
        2: (
            "patient, doctor, dose, treatment, therapy, fever, clinical, hospital, nurse, vitamin, nutrition, calorie, "
            "diet, workout, pregnancy, pregnant, anxiety, depression, surgery, health, injury, chronic"
        ),
        1: "blood, pain, mg, sleep, muscle, skin, heart, exercise, weight, stress, tired",
    },
    "trivia": {
        4: "trivia, pub quiz, quiz question, capital of, who invented, fun fact, world record, who discovered",
        3: "quiz, who wrote, who won, which country, jeopardy, who painted, which planet",
        2: "what year, how tall, which year, guess the, riddle, tallest, how old",
        1: "longest, oldest, who was, who is, multiple choice, largest, famous, first person",
    },
    "academia": {
        4: (
            "dissertation, bibliography, literature review, peer reviewed, research paper, research question, "
            "term paper, thesis statement"
        ),
        3: "thesis, essay, citation, syllabus, scholarly, academic, plagiarism, undergraduate, phd, semester",
        2: (
            "cite, apa, mla, professor, university, curriculum, homework, student, lecture, methodology, exam, "
            "footnote, scholarship, lesson plan"
        ),
        1: "abstract, journal, assignment, paragraph, grade, argument, teacher, school, source, study",
    },
}

#: What words do not show: pattern, use and weight. Each runs over some thousand characters in time linear in them.
PATTERNS: tuple[tuple[re.Pattern[str], str, int], ...] = (
    (re.compile("```"), "programming", 3),
    (
        re.compile(
            r"^[ \t]*(?:def \w+\(|class \w+[(:{]|func(?:tion)? \w+\(|fn \w+\(|from [\w.]+ import |#include\b"
            r"|(?:const|let|var) \w+ ?=|public (?:static|void|class) \w+|import [\w.{]+;?$|return [^\n]{1,80};$)",
            re.MULTILINE,
        ),
        "programming",
        3,
    ),
    (re.compile(r"most recent call last|^[ \t]+at [\w.$]+\(\w+\.\w+:\d+\)", re.MULTILINE), "programming", 3),
    (re.compile(r"\{\{(?:char|user)\}\}"), "roleplay", 4),
    (re.compile(r"\*(?:smiles|laughs|sighs|nods|grins|whispers|blushes|chuckles|leans)\b"), "roleplay", 4),
    (re.compile("翻[译譯訳]|번역|перевед"), "translation", 4),
)
