"""The URLs of DTR, SDC and CRD, by the short names that the mapping uses."""

from __future__ import annotations

DTR = "http://hl7.org/fhir/us/davinci-dtr/StructureDefinition/"
SDC = "http://hl7.org/fhir/uv/sdc/StructureDefinition/"
CORE = "http://hl7.org/fhir/StructureDefinition/"
CRD_CODES = "http://hl7.org/fhir/us/davinci-crd/CodeSystem/"

CQF_LIBRARY = CORE + "cqf-library"
VERSION_ALGORITHM = CORE + "artifact-versionAlgorithm"
UNIT_OPTION = CORE + "questionnaire-unitOption"
SUPPORT_HYPERLINK = CORE + "questionnaire-supportHyperlink"
SUPPORT_LINK = CORE + "questionnaire-supportLink"
TARGET_CONSTRAINT = CORE + "targetConstraint"
ADAPTIVE = SDC + "sdc-questionnaire-questionnaireAdaptive"
LAUNCH_CONTEXT = SDC + "sdc-questionnaire-launchContext"

ALTERNATIVE_EXPRESSION = DTR + "alternativeExpression"
ALTERNATIVE_EXPRESSION_2_0_1 = "http://hl7.org/fhir/us/ecr/StructureDefinition/us-ph-alternative-expression-extension"
AUDIENCE = DTR + "questionnaireAudience"
COMPLETION_TIME = DTR + "estimated-completion-time"
REQUEST_SPECIFIC = DTR + "request-specific"
QR_COVERAGE = DTR + "qr-coverage"
QR_CONTEXT = DTR + "qr-context"
INTENDED_USE = DTR + "intendedUse"
ORIGIN = DTR + "information-origin"

PACKAGE_BUNDLE = DTR + "DTR-QPackageBundle"
PACKAGE_OUTPUT = DTR + "dtr-qpackage-output-parameters"
STANDARD_FORM = DTR + "dtr-std-questionnaire"
ADAPTIVE_FORM = DTR + "dtr-questionnaire-adapt"
ADAPTIVE_SEARCH = DTR + "dtr-questionnaire-adapt-search"
RESPONSE = DTR + "dtr-questionnaireresponse"
ADAPTIVE_RESPONSE = DTR + "dtr-questionnaireresponse-adapt"
SDC_ADAPTIVE_RESPONSE = SDC + "sdc-questionnaireresponse-adapt"

RECOMMENDED = "urn:placet:extension:recommended"
"""Marks an item that is filled in with the plan's recommended amount; the mark itself is not sent."""
FORM_CONTEXTS = "urn:placet:form-context"
"""Identifier system of the context id under which a draft was made: messages about it are led back to its request."""

CQL, ELM = "text/cql", "application/elm+json"
