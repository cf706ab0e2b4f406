# SPDX-License-Identifier: Apache-2.0
# make demo   sets up, builds and runs the whole loop on real data      make test   sets up and runs all tests
GYRE_TOOLS ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/gyre
export GYRE_TOOLS
PYTHON = $(GYRE_TOOLS)/python/bin/python
SERVE ?= 1
HTTP ?= 127.0.0.1:5000
SOURCES = Package.swift Sources $(wildcard Tests)

.PHONY: demo test test-fast conformance coverage setup build fmt lint bench sanitize clean

demo: setup build
	@$(PYTHON) Examples/flights/demo.py --gyre .build/release/gyre --work .gyre/demo --http $(HTTP) --serve $(SERVE)

test:
	@Scripts/setup.sh chromium sandbox containers argo dvc metaflow mlflow2 serving openapi peers zoo bentoml seldon canaille onnx-testdata
	@$(MAKE) --no-print-directory lint
	@echo "· building everything in debug mode (minutes the first time)" >&2
	@Scripts/build.sh --build-tests
	@swift test --skip-build

# The tests without real clients, crashes and browsers: under a minute once built.
test-fast: setup
	@Scripts/build.sh --build-tests
	@swift test --skip-build --skip Slow

# Suites that hold Gyre against other systems, in full: minutes each.
conformance: setup
	@Scripts/setup.sh zoo serving ray dvc
	@Scripts/build.sh --product gyre
	@rm -rf .gyre/zoo && mkdir -p .gyre/zoo
	@PYTHONPATH=Tests/ClientTests/Scripts/harness $(PYTHON) Tests/ClientTests/Scripts/zoo/zoo.py .build/debug/gyre .gyre/zoo $(GYRE_TOOLS)/zoo/bin/python --all
	@# A checkout of kubeflow/pipelines: its test_data/sdk_compiled_pipelines/valid.
	@rm -rf .gyre/kfp && mkdir -p .gyre/kfp
	@test -z "$(KFP_TEST_DATA)" || PYTHONPATH=Tests/ClientTests/Scripts/harness $(PYTHON) Tests/ClientTests/Scripts/pipelines/compiled_pipelines.py .build/debug/gyre .gyre/kfp $(KFP_TEST_DATA)
	@# A checkout of argoproj/argo-workflows: its folder examples.
	@rm -rf .gyre/argo && mkdir -p .gyre/argo
	@test -z "$(ARGO_EXAMPLES)" || PYTHONPATH=Tests/ClientTests/Scripts/harness $(PYTHON) Tests/ClientTests/Scripts/pipelines/argo_examples.py .build/debug/gyre .gyre/argo $(ARGO_EXAMPLES)
	@for script in dvc_differential dvc_pipelines; do \
	  PYTHONPATH=Tests/ClientTests/Scripts/harness $(PYTHON) Tests/ClientTests/Scripts/data/$$script.py .build/debug/gyre .gyre/$$script $(GYRE_TOOLS)/dvc/bin/dvc --days 60 --steps 20 || exit 1; \
	done
	@rm -rf .gyre/ray && mkdir -p .gyre/ray
	@PYTHONPATH=Tests/ClientTests/Scripts/harness $(PYTHON) Tests/ClientTests/Scripts/zoo/ray_serve.py .build/debug/gyre .gyre/ray $(GYRE_TOOLS)/ray/bin/python
	@rm -rf .gyre/ray-jobs && mkdir -p .gyre/ray-jobs
	@PYTHONPATH=Tests/ClientTests/Scripts/harness $(PYTHON) Tests/ClientTests/Scripts/pipelines/ray_day.py .build/debug/gyre .gyre/ray-jobs $(GYRE_TOOLS)/ray/bin/python

# Lines that the fast tests run, module by module; an instrumented build of its own.
coverage: setup
	@swift test --enable-code-coverage --scratch-path .build/coverage --skip Slow --quiet
	@$(PYTHON) Scripts/coverage.py "$$(swift test --show-codecov-path --scratch-path .build/coverage)"

setup:
	@Scripts/setup.sh

build: setup
	@echo "· building the release binary (minutes the first time)" >&2
	@swift build -c release --product gyre --quiet

fmt:
	@swift format format --configuration .swift-format --parallel --recursive --in-place $(SOURCES)

lint:
	@swift format lint --strict --configuration .swift-format --parallel --recursive $(SOURCES)

bench: setup build
	@Scripts/setup.sh wrk sandbox serving peers mlserver bentoml dvc
	@$(PYTHON) Benchmarks/bench.py --gyre .build/release/gyre
	@$(PYTHON) Benchmarks/ratios.py --gyre .build/release/gyre
	@$(PYTHON) Benchmarks/tracking.py --gyre .build/release/gyre $(BENCH)
	@$(PYTHON) Benchmarks/serving.py --gyre .build/release/gyre
	@$(PYTHON) Benchmarks/everyday.py --gyre .build/release/gyre
	@$(PYTHON) Benchmarks/pipelines.py --gyre .build/release/gyre
	@$(PYTHON) Benchmarks/data.py --gyre .build/release/gyre --dvc $(GYRE_TOOLS)/dvc/bin/dvc
	@$(PYTHON) Benchmarks/access.py --gyre .build/release/gyre

# The serving tests against builds that look for races and for misused memory.
sanitize: setup
	@Scripts/setup.sh serving
	@for kind in thread address; do \
	  echo "· building with the $$kind sanitizer (minutes)" >&2; \
	  swift build --sanitize=$$kind --product gyre --scratch-path .build/$$kind --quiet && \
	  $(PYTHON) Scripts/sanitize.py $$kind .build/$$kind/debug/gyre || exit 1; \
	done

clean:
	@rm -rf .build .gyre Examples/flights/build
