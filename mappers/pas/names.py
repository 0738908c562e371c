"""The URLs that PAS gives its extensions and profiles, by the short names the mapping uses."""

from __future__ import annotations

PAS = "http://hl7.org/fhir/us/davinci-pas/StructureDefinition/"

REQUEST_BUNDLE = PAS + "profile-pas-request-bundle"
RESPONSE_BUNDLE = PAS + "profile-pas-response-bundle"
CLAIM_RESPONSE = PAS + "profile-claimresponse"

TRANSMISSION_IDENTIFIERS = PAS + "extension-TransmissionIdentifiers"
LEVEL_OF_SERVICE = PAS + "extension-levelOfServiceCode"
ITEM_TRACE_NUMBER = PAS + "extension-itemTraceNumber"
REQUESTED_SERVICE = PAS + "extension-requestedService"
INFO_CHANGED = PAS + "extension-infoChanged"
CERTIFICATION_TYPE = PAS + "extension-certificationType"
AUTHORIZATION_NUMBER = PAS + "extension-authorizationNumber"
INFO_CANCELLED = PAS + "modifierextension-infoCancelled"
SERVICE_CODE_END = PAS + "extension-productOrServiceCodeEnd"
DOCUMENT_INFORMATION = PAS + "extension-documentInformation"
REVIEW_ACTION = PAS + "extension-reviewAction"
REVIEW_ACTION_CODE = PAS + "extension-reviewActionCode"
ADMINISTRATION_REFERENCE_NUMBER = PAS + "extension-administrationReferenceNumber"
ISSUE_DATE = PAS + "extension-itemPreAuthIssueDate"
APPROVED_PERIOD = PAS + "extension-itemPreAuthPeriod"
REQUESTED_SERVICE_DATE = PAS + "extension-itemRequestedServiceDate"
AUTHORIZED_DETAIL = PAS + "extension-itemAuthorizedDetail"
REVIEWER = PAS + "extension-claimResponseReviewer"

ERROR_FOLLOW_UP = PAS + "extension-errorFollowupAction"
ERROR_PATH = PAS + "extension-errorPath"

FOLLOW_UP_ACTIONS = "https://codesystem.x12.org/005010/889"
REVIEW_ACTIONS = "https://codesystem.x12.org/005010/306"
UNITS = "https://codesystem.x12.org/005010/673"
