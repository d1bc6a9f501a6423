# One line per target over scripts/dev.py, which works without make as well: python3 scripts/dev.py run
PYTHON ?= python3
.PHONY: run test lint bench-gateway bench-protocols bench-embeddings bench-chat bench-soak bench-ledger bench-painting bench-activity bench-pages bench-scale clients setup shell manage clean help

run:    ; @$(PYTHON) scripts/dev.py run
test:   ; @$(PYTHON) scripts/dev.py test $(ARGS)
setup:  ; @$(PYTHON) scripts/dev.py setup $(ARGS)
lint:   ; @$(PYTHON) scripts/dev.py lint
shell:  ; @$(PYTHON) scripts/dev.py shell
manage: ; @$(PYTHON) scripts/dev.py manage $(ARGS)
bench-gateway: ; @$(PYTHON) scripts/dev.py bench gateway
bench-protocols: ; @$(PYTHON) scripts/dev.py bench protocols
bench-embeddings: ; @$(PYTHON) scripts/dev.py bench embeddings
bench-chat: ; @$(PYTHON) scripts/dev.py bench chat
bench-soak: ; @$(PYTHON) scripts/dev.py bench soak
bench-ledger: ; @$(PYTHON) scripts/dev.py bench ledger
bench-painting: ; @$(PYTHON) scripts/dev.py bench painting
bench-activity: ; @$(PYTHON) scripts/dev.py bench activity
bench-pages: ; @$(PYTHON) scripts/dev.py bench pages
bench-scale: ; @$(PYTHON) scripts/dev.py bench scale
clients: ; @$(PYTHON) scripts/dev.py clients $(ARGS)
clean:  ; @$(PYTHON) scripts/dev.py clean
help:   ; @$(PYTHON) scripts/dev.py
