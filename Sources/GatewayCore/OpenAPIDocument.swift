// Written by protocol/openapi.py, so that the program needs no file beside it; protocol/openapi.json is the one to edit.

/// The API's description: protocol/openapi.json.
let openAPIDocument = ##"""
    {
      "openapi": "3.1.0",
      "info": {
        "title": "artifact-gateway",
        "version": "0.1.0",
        "summary": "Artifacts of runs over HTTP",
        "description": "Experiments, runs and their artifacts. A request counts for the tenant in X-Tenant-ID, which its caller must be allowed to act for. Unknown query parameters, members and form parts are refused.",
        "license": {
          "name": "Apache 2.0",
          "identifier": "Apache-2.0"
        }
      },
      "servers": [
        {
          "url": "/"
        }
      ],
      "security": [
        {
          "bearer": []
        },
        {}
      ],
      "tags": [
        {
          "name": "artifacts"
        },
        {
          "name": "runs"
        },
        {
          "name": "experiments"
        },
        {
          "name": "service"
        }
      ],
      "paths": {
        "/api/v1/experiments/runs/{run_id}/log-artifact": {
          "parameters": [
            {
              "$ref": "#/components/parameters/RunID"
            }
          ],
          "post": {
            "operationId": "logArtifact",
            "summary": "Upload an artifact of a run",
            "tags": [
              "artifacts"
            ],
            "parameters": [
              {
                "$ref": "#/components/parameters/Tenant"
              },
              {
                "$ref": "#/components/parameters/RequestID"
              },
              {
                "name": "wait",
                "in": "query",
                "description": "What to wait for.",
                "schema": {
                  "type": "string",
                  "enum": [
                    "durable",
                    "stored"
                  ],
                  "default": "durable"
                }
              },
              {
                "name": "timeout",
                "in": "query",
                "description": "How long to wait for 'stored', in seconds.",
                "schema": {
                  "type": "integer",
                  "minimum": 0,
                  "maximum": 86400,
                  "default": 300
                }
              },
              {
                "$ref": "#/components/parameters/IdempotencyKey"
              }
            ],
            "requestBody": {
              "required": true,
              "content": {
                "multipart/form-data": {
                  "schema": {
                    "$ref": "#/components/schemas/UploadForm"
                  },
                  "encoding": {
                    "file": {
                      "contentType": "application/octet-stream"
                    },
                    "artifact_path": {
                      "contentType": "text/plain"
                    }
                  }
                }
              }
            },
            "responses": {
              "201": {
                "description": "The artifact is durable: neither an outage of the store nor a power cut loses it; with wait=stored it is in the store.",
                "headers": {
                  "X-Request-ID": {
                    "$ref": "#/components/headers/RequestID"
                  },
                  "X-Job-ID": {
                    "$ref": "#/components/headers/JobID"
                  },
                  "X-Artifact-URI": {
                    "$ref": "#/components/headers/ArtifactURI"
                  },
                  "Location": {
                    "$ref": "#/components/headers/Location"
                  },
                  "X-Idempotent-Replay": {
                    "$ref": "#/components/headers/Replay"
                  }
                },
                "content": {
                  "application/json": {
                    "schema": {
                      "$ref": "#/components/schemas/Logged"
                    },
                    "example": {
                      "message": "Artifact logged",
                      "run_id": "f3a9",
                      "artifact": "models/model.pkl"
                    }
                  }
                }
              },
              "202": {
                "description": "wait=stored, and the time was up before: the artifact is durable, and not in the store yet.",
                "headers": {
                  "X-Request-ID": {
                    "$ref": "#/components/headers/RequestID"
                  },
                  "X-Job-ID": {
                    "$ref": "#/components/headers/JobID"
                  },
                  "X-Artifact-URI": {
                    "$ref": "#/components/headers/ArtifactURI"
                  },
                  "Location": {
                    "$ref": "#/components/headers/Location"
                  },
                  "X-Idempotent-Replay": {
                    "$ref": "#/components/headers/Replay"
                  }
                },
                "content": {
                  "application/json": {
                    "schema": {
                      "$ref": "#/components/schemas/Logged"
                    },
                    "example": {
                      "message": "Artifact logged",
                      "run_id": "f3a9",
                      "artifact": "models/model.pkl"
                    }
                  }
                }
              },
              "400": {
                "$ref": "#/components/responses/Invalid"
              },
              "401": {
                "$ref": "#/components/responses/Unauthorized"
              },
              "403": {
                "$ref": "#/components/responses/Forbidden"
              },
              "408": {
                "$ref": "#/components/responses/Timeout"
              },
              "500": {
                "$ref": "#/components/responses/Internal"
              },
              "503": {
                "$ref": "#/components/responses/Unavailable"
              },
              "404": {
                "$ref": "#/components/responses/NotFound"
              },
              "409": {
                "$ref": "#/components/responses/Conflict"
              },
              "413": {
                "$ref": "#/components/responses/TooLarge"
              },
              "429": {
                "$ref": "#/components/responses/RateLimited"
              }
            }
          }
        },
        "/api/v1/experiments/runs/{run_id}/artifacts": {
          "parameters": [
            {
              "$ref": "#/components/parameters/RunID"
            }
          ],
          "get": {
            "operationId": "listArtifacts",
            "summary": "List a run's artifacts",
            "tags": [
              "artifacts"
            ],
            "parameters": [
              {
                "$ref": "#/components/parameters/Tenant"
              },
              {
                "$ref": "#/components/parameters/RequestID"
              },
              {
                "name": "path",
                "in": "query",
                "description": "Only the artifact at this path and those below it.",
                "schema": {
                  "type": "string"
                }
              },
              {
                "name": "kind",
                "in": "query",
                "description": "Only artifacts of this kind.",
                "schema": {
                  "type": "string",
                  "enum": [
                    "model",
                    "onnx",
                    "configuration",
                    "plot",
                    "data",
                    "report",
                    "other"
                  ]
                }
              },
              {
                "name": "after",
                "in": "query",
                "description": "'next' of the page before.",
                "schema": {
                  "type": "string"
                }
              },
              {
                "name": "limit",
                "in": "query",
                "description": "The most items.",
                "schema": {
                  "type": "integer",
                  "minimum": 1,
                  "maximum": 1000,
                  "default": 1000
                }
              }
            ],
            "responses": {
              "200": {
                "description": "Those that are stored, pending and failed, by rising path.",
                "headers": {
                  "X-Request-ID": {
                    "$ref": "#/components/headers/RequestID"
                  }
                },
                "content": {
                  "application/json": {
                    "schema": {
                      "$ref": "#/components/schemas/Artifacts"
                    }
                  }
                }
              },
              "400": {
                "$ref": "#/components/responses/Invalid"
              },
              "401": {
                "$ref": "#/components/responses/Unauthorized"
              },
              "403": {
                "$ref": "#/components/responses/Forbidden"
              },
              "408": {
                "$ref": "#/components/responses/Timeout"
              },
              "500": {
                "$ref": "#/components/responses/Internal"
              },
              "503": {
                "$ref": "#/components/responses/Unavailable"
              },
              "404": {
                "$ref": "#/components/responses/NotFound"
              }
            }
          }
        },
        "/api/v1/experiments/runs/{run_id}/artifacts/{path}": {
          "parameters": [
            {
              "$ref": "#/components/parameters/RunID"
            },
            {
              "name": "path",
              "in": "path",
              "required": true,
              "description": "The artifact's path in the run; its slashes may stand as they are.",
              "schema": {
                "type": "string",
                "minLength": 1,
                "maxLength": 1024
              },
              "example": "models/model.pkl"
            }
          ],
          "get": {
            "operationId": "getArtifact",
            "summary": "Download an artifact, decoded or as it is stored",
            "description": "An artifact that is compressed in the store goes out decoded, unless Accept-Encoding names its coding and does not like identity better: then as it is stored, with Content-Encoding. HEAD answers the same without the body.",
            "tags": [
              "artifacts"
            ],
            "parameters": [
              {
                "$ref": "#/components/parameters/Tenant"
              },
              {
                "$ref": "#/components/parameters/RequestID"
              },
              {
                "name": "Accept-Encoding",
                "in": "header",
                "description": "What the client decodes (RFC 9110, section 12.5.3).",
                "schema": {
                  "type": "string"
                },
                "example": "zstd, gzip"
              },
              {
                "name": "Range",
                "in": "header",
                "description": "One range of bytes, of artifacts that are stored as they are. Of others, and of several ranges, the whole is answered.",
                "schema": {
                  "type": "string"
                },
                "example": "bytes=0-1023"
              },
              {
                "name": "If-Range",
                "in": "header",
                "description": "The ETag that Range belongs to: of another version the whole is answered.",
                "schema": {
                  "type": "string"
                }
              }
            ],
            "responses": {
              "200": {
                "description": "The bytes, in the artifact's own media type.",
                "headers": {
                  "X-Request-ID": {
                    "$ref": "#/components/headers/RequestID"
                  },
                  "X-Artifact-URI": {
                    "$ref": "#/components/headers/ArtifactURI"
                  },
                  "ETag": {
                    "$ref": "#/components/headers/ETag"
                  },
                  "Content-Disposition": {
                    "$ref": "#/components/headers/Disposition"
                  },
                  "Accept-Ranges": {
                    "$ref": "#/components/headers/AcceptRanges"
                  },
                  "Vary": {
                    "$ref": "#/components/headers/Vary"
                  },
                  "Content-Encoding": {
                    "$ref": "#/components/headers/ContentEncoding"
                  }
                },
                "content": {
                  "*/*": {
                    "schema": {}
                  }
                }
              },
              "206": {
                "description": "The bytes asked for.",
                "headers": {
                  "X-Request-ID": {
                    "$ref": "#/components/headers/RequestID"
                  },
                  "X-Artifact-URI": {
                    "$ref": "#/components/headers/ArtifactURI"
                  },
                  "ETag": {
                    "$ref": "#/components/headers/ETag"
                  },
                  "Content-Disposition": {
                    "$ref": "#/components/headers/Disposition"
                  },
                  "Content-Range": {
                    "$ref": "#/components/headers/ContentRange"
                  },
                  "Accept-Ranges": {
                    "$ref": "#/components/headers/AcceptRanges"
                  },
                  "Vary": {
                    "$ref": "#/components/headers/Vary"
                  }
                },
                "content": {
                  "*/*": {
                    "schema": {}
                  }
                }
              },
              "304": {
                "description": "It is the one that If-None-Match names."
              },
              "400": {
                "$ref": "#/components/responses/Invalid"
              },
              "401": {
                "$ref": "#/components/responses/Unauthorized"
              },
              "403": {
                "$ref": "#/components/responses/Forbidden"
              },
              "408": {
                "$ref": "#/components/responses/Timeout"
              },
              "500": {
                "$ref": "#/components/responses/Internal"
              },
              "503": {
                "$ref": "#/components/responses/Unavailable"
              },
              "404": {
                "$ref": "#/components/responses/NotFound"
              },
              "406": {
                "$ref": "#/components/responses/NotAcceptable"
              },
              "409": {
                "$ref": "#/components/responses/Conflict"
              },
              "416": {
                "$ref": "#/components/responses/RangeNotSatisfiable"
              },
              "429": {
                "$ref": "#/components/responses/RateLimited"
              }
            }
          }
        },
        "/api/v1/experiments/runs": {
          "post": {
            "operationId": "startRun",
            "summary": "Start a run",
            "tags": [
              "runs"
            ],
            "parameters": [
              {
                "$ref": "#/components/parameters/Tenant"
              },
              {
                "$ref": "#/components/parameters/RequestID"
              }
            ],
            "requestBody": {
              "required": true,
              "content": {
                "application/json": {
                  "schema": {
                    "$ref": "#/components/schemas/NewRun"
                  }
                }
              }
            },
            "responses": {
              "201": {
                "description": "The run. One that was started before under the same run_id, as it is now.",
                "headers": {
                  "X-Request-ID": {
                    "$ref": "#/components/headers/RequestID"
                  },
                  "Location": {
                    "$ref": "#/components/headers/Location"
                  }
                },
                "content": {
                  "application/json": {
                    "schema": {
                      "$ref": "#/components/schemas/Run"
                    }
                  }
                }
              },
              "400": {
                "$ref": "#/components/responses/Invalid"
              },
              "401": {
                "$ref": "#/components/responses/Unauthorized"
              },
              "403": {
                "$ref": "#/components/responses/Forbidden"
              },
              "408": {
                "$ref": "#/components/responses/Timeout"
              },
              "500": {
                "$ref": "#/components/responses/Internal"
              },
              "503": {
                "$ref": "#/components/responses/Unavailable"
              },
              "404": {
                "$ref": "#/components/responses/NotFound"
              },
              "409": {
                "$ref": "#/components/responses/Conflict"
              },
              "413": {
                "$ref": "#/components/responses/TooLarge"
              }
            }
          },
          "get": {
            "operationId": "listRuns",
            "summary": "List runs, the latest first",
            "tags": [
              "runs"
            ],
            "parameters": [
              {
                "$ref": "#/components/parameters/Tenant"
              },
              {
                "$ref": "#/components/parameters/RequestID"
              },
              {
                "name": "experiment_id",
                "in": "query",
                "description": "Only runs of this experiment.",
                "schema": {
                  "type": "string",
                  "pattern": "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
                }
              },
              {
                "name": "status",
                "in": "query",
                "description": "Only runs of this status.",
                "schema": {
                  "type": "string",
                  "enum": [
                    "running",
                    "finished",
                    "failed",
                    "killed"
                  ]
                }
              },
              {
                "name": "search",
                "in": "query",
                "description": "Only runs whose name or id contains this, whatever the case.",
                "schema": {
                  "type": "string"
                }
              },
              {
                "$ref": "#/components/parameters/Limit"
              },
              {
                "$ref": "#/components/parameters/Offset"
              }
            ],
            "responses": {
              "200": {
                "description": "Those that this node has seen.",
                "headers": {
                  "X-Request-ID": {
                    "$ref": "#/components/headers/RequestID"
                  }
                },
                "content": {
                  "application/json": {
                    "schema": {
                      "$ref": "#/components/schemas/Runs"
                    }
                  }
                }
              },
              "400": {
                "$ref": "#/components/responses/Invalid"
              },
              "401": {
                "$ref": "#/components/responses/Unauthorized"
              },
              "403": {
                "$ref": "#/components/responses/Forbidden"
              },
              "408": {
                "$ref": "#/components/responses/Timeout"
              },
              "500": {
                "$ref": "#/components/responses/Internal"
              },
              "503": {
                "$ref": "#/components/responses/Unavailable"
              },
              "404": {
                "$ref": "#/components/responses/NotFound"
              }
            }
          }
        },
        "/api/v1/experiments/runs/{run_id}": {
          "parameters": [
            {
              "$ref": "#/components/parameters/RunID"
            }
          ],
          "get": {
            "operationId": "getRun",
            "summary": "A run, of whatever node",
            "tags": [
              "runs"
            ],
            "parameters": [
              {
                "$ref": "#/components/parameters/Tenant"
              },
              {
                "$ref": "#/components/parameters/RequestID"
              }
            ],
            "responses": {
              "200": {
                "description": "The run.",
                "headers": {
                  "X-Request-ID": {
                    "$ref": "#/components/headers/RequestID"
                  }
                },
                "content": {
                  "application/json": {
                    "schema": {
                      "$ref": "#/components/schemas/Run"
                    }
                  }
                }
              },
              "400": {
                "$ref": "#/components/responses/Invalid"
              },
              "401": {
                "$ref": "#/components/responses/Unauthorized"
              },
              "403": {
                "$ref": "#/components/responses/Forbidden"
              },
              "408": {
                "$ref": "#/components/responses/Timeout"
              },
              "500": {
                "$ref": "#/components/responses/Internal"
              },
              "503": {
                "$ref": "#/components/responses/Unavailable"
              },
              "404": {
                "$ref": "#/components/responses/NotFound"
              }
            }
          }
        },
        "/api/v1/experiments/runs/{run_id}/end": {
          "parameters": [
            {
              "$ref": "#/components/parameters/RunID"
            }
          ],
          "post": {
            "operationId": "endRun",
            "summary": "End a run: its manifest is written when all is stored",
            "tags": [
              "runs"
            ],
            "parameters": [
              {
                "$ref": "#/components/parameters/Tenant"
              },
              {
                "$ref": "#/components/parameters/RequestID"
              }
            ],
            "requestBody": {
              "required": false,
              "content": {
                "application/json": {
                  "schema": {
                    "$ref": "#/components/schemas/RunEnd"
                  }
                }
              }
            },
            "responses": {
              "200": {
                "description": "The run.",
                "headers": {
                  "X-Request-ID": {
                    "$ref": "#/components/headers/RequestID"
                  }
                },
                "content": {
                  "application/json": {
                    "schema": {
                      "$ref": "#/components/schemas/Run"
                    }
                  }
                }
              },
              "400": {
                "$ref": "#/components/responses/Invalid"
              },
              "401": {
                "$ref": "#/components/responses/Unauthorized"
              },
              "403": {
                "$ref": "#/components/responses/Forbidden"
              },
              "408": {
                "$ref": "#/components/responses/Timeout"
              },
              "500": {
                "$ref": "#/components/responses/Internal"
              },
              "503": {
                "$ref": "#/components/responses/Unavailable"
              },
              "404": {
                "$ref": "#/components/responses/NotFound"
              },
              "409": {
                "$ref": "#/components/responses/Conflict"
              },
              "413": {
                "$ref": "#/components/responses/TooLarge"
              }
            }
          }
        },
        "/api/v1/experiments": {
          "post": {
            "operationId": "createExperiment",
            "summary": "Create an experiment",
            "tags": [
              "experiments"
            ],
            "parameters": [
              {
                "$ref": "#/components/parameters/Tenant"
              },
              {
                "$ref": "#/components/parameters/RequestID"
              }
            ],
            "requestBody": {
              "required": true,
              "content": {
                "application/json": {
                  "schema": {
                    "$ref": "#/components/schemas/NewExperiment"
                  }
                }
              }
            },
            "responses": {
              "201": {
                "description": "The experiment.",
                "headers": {
                  "X-Request-ID": {
                    "$ref": "#/components/headers/RequestID"
                  },
                  "Location": {
                    "$ref": "#/components/headers/Location"
                  }
                },
                "content": {
                  "application/json": {
                    "schema": {
                      "$ref": "#/components/schemas/Experiment"
                    }
                  }
                }
              },
              "400": {
                "$ref": "#/components/responses/Invalid"
              },
              "401": {
                "$ref": "#/components/responses/Unauthorized"
              },
              "403": {
                "$ref": "#/components/responses/Forbidden"
              },
              "408": {
                "$ref": "#/components/responses/Timeout"
              },
              "500": {
                "$ref": "#/components/responses/Internal"
              },
              "503": {
                "$ref": "#/components/responses/Unavailable"
              },
              "409": {
                "$ref": "#/components/responses/Conflict"
              },
              "413": {
                "$ref": "#/components/responses/TooLarge"
              }
            }
          },
          "get": {
            "operationId": "listExperiments",
            "summary": "List experiments by name",
            "tags": [
              "experiments"
            ],
            "parameters": [
              {
                "$ref": "#/components/parameters/Tenant"
              },
              {
                "$ref": "#/components/parameters/RequestID"
              },
              {
                "name": "search",
                "in": "query",
                "description": "Only names that contain this, whatever the case.",
                "schema": {
                  "type": "string"
                }
              },
              {
                "name": "lifecycle_stage",
                "in": "query",
                "description": "By default both.",
                "schema": {
                  "type": "string",
                  "enum": [
                    "active",
                    "deleted"
                  ]
                }
              },
              {
                "$ref": "#/components/parameters/Limit"
              },
              {
                "$ref": "#/components/parameters/Offset"
              }
            ],
            "responses": {
              "200": {
                "description": "Those that this node has seen.",
                "headers": {
                  "X-Request-ID": {
                    "$ref": "#/components/headers/RequestID"
                  }
                },
                "content": {
                  "application/json": {
                    "schema": {
                      "$ref": "#/components/schemas/Experiments"
                    }
                  }
                }
              },
              "400": {
                "$ref": "#/components/responses/Invalid"
              },
              "401": {
                "$ref": "#/components/responses/Unauthorized"
              },
              "403": {
                "$ref": "#/components/responses/Forbidden"
              },
              "408": {
                "$ref": "#/components/responses/Timeout"
              },
              "500": {
                "$ref": "#/components/responses/Internal"
              },
              "503": {
                "$ref": "#/components/responses/Unavailable"
              }
            }
          }
        },
        "/api/v1/experiments/{id}": {
          "parameters": [
            {
              "$ref": "#/components/parameters/ExperimentID"
            }
          ],
          "get": {
            "operationId": "getExperiment",
            "summary": "An experiment, of whatever node",
            "tags": [
              "experiments"
            ],
            "parameters": [
              {
                "$ref": "#/components/parameters/Tenant"
              },
              {
                "$ref": "#/components/parameters/RequestID"
              }
            ],
            "responses": {
              "200": {
                "description": "The experiment.",
                "headers": {
                  "X-Request-ID": {
                    "$ref": "#/components/headers/RequestID"
                  }
                },
                "content": {
                  "application/json": {
                    "schema": {
                      "$ref": "#/components/schemas/Experiment"
                    }
                  }
                }
              },
              "400": {
                "$ref": "#/components/responses/Invalid"
              },
              "401": {
                "$ref": "#/components/responses/Unauthorized"
              },
              "403": {
                "$ref": "#/components/responses/Forbidden"
              },
              "408": {
                "$ref": "#/components/responses/Timeout"
              },
              "500": {
                "$ref": "#/components/responses/Internal"
              },
              "503": {
                "$ref": "#/components/responses/Unavailable"
              },
              "404": {
                "$ref": "#/components/responses/NotFound"
              }
            }
          },
          "patch": {
            "operationId": "changeExperiment",
            "summary": "Change description and tags",
            "tags": [
              "experiments"
            ],
            "parameters": [
              {
                "$ref": "#/components/parameters/Tenant"
              },
              {
                "$ref": "#/components/parameters/RequestID"
              }
            ],
            "requestBody": {
              "required": true,
              "content": {
                "application/json": {
                  "schema": {
                    "$ref": "#/components/schemas/ExperimentChanges"
                  }
                }
              }
            },
            "responses": {
              "200": {
                "description": "The experiment as it is now.",
                "headers": {
                  "X-Request-ID": {
                    "$ref": "#/components/headers/RequestID"
                  }
                },
                "content": {
                  "application/json": {
                    "schema": {
                      "$ref": "#/components/schemas/Experiment"
                    }
                  }
                }
              },
              "400": {
                "$ref": "#/components/responses/Invalid"
              },
              "401": {
                "$ref": "#/components/responses/Unauthorized"
              },
              "403": {
                "$ref": "#/components/responses/Forbidden"
              },
              "408": {
                "$ref": "#/components/responses/Timeout"
              },
              "500": {
                "$ref": "#/components/responses/Internal"
              },
              "503": {
                "$ref": "#/components/responses/Unavailable"
              },
              "404": {
                "$ref": "#/components/responses/NotFound"
              },
              "409": {
                "$ref": "#/components/responses/Conflict"
              },
              "413": {
                "$ref": "#/components/responses/TooLarge"
              }
            }
          },
          "delete": {
            "operationId": "archiveExperiment",
            "summary": "Archive an experiment",
            "tags": [
              "experiments"
            ],
            "parameters": [
              {
                "$ref": "#/components/parameters/Tenant"
              },
              {
                "$ref": "#/components/parameters/RequestID"
              }
            ],
            "responses": {
              "200": {
                "description": "The experiment, archived: it is kept, and takes no new runs.",
                "headers": {
                  "X-Request-ID": {
                    "$ref": "#/components/headers/RequestID"
                  }
                },
                "content": {
                  "application/json": {
                    "schema": {
                      "$ref": "#/components/schemas/Experiment"
                    }
                  }
                }
              },
              "400": {
                "$ref": "#/components/responses/Invalid"
              },
              "401": {
                "$ref": "#/components/responses/Unauthorized"
              },
              "403": {
                "$ref": "#/components/responses/Forbidden"
              },
              "408": {
                "$ref": "#/components/responses/Timeout"
              },
              "500": {
                "$ref": "#/components/responses/Internal"
              },
              "503": {
                "$ref": "#/components/responses/Unavailable"
              },
              "404": {
                "$ref": "#/components/responses/NotFound"
              },
              "409": {
                "$ref": "#/components/responses/Conflict"
              }
            }
          }
        },
        "/api/v1/experiments/{id}/restore": {
          "parameters": [
            {
              "$ref": "#/components/parameters/ExperimentID"
            }
          ],
          "post": {
            "operationId": "restoreExperiment",
            "summary": "Restore an archived experiment",
            "tags": [
              "experiments"
            ],
            "parameters": [
              {
                "$ref": "#/components/parameters/Tenant"
              },
              {
                "$ref": "#/components/parameters/RequestID"
              }
            ],
            "responses": {
              "200": {
                "description": "The experiment, active.",
                "headers": {
                  "X-Request-ID": {
                    "$ref": "#/components/headers/RequestID"
                  }
                },
                "content": {
                  "application/json": {
                    "schema": {
                      "$ref": "#/components/schemas/Experiment"
                    }
                  }
                }
              },
              "400": {
                "$ref": "#/components/responses/Invalid"
              },
              "401": {
                "$ref": "#/components/responses/Unauthorized"
              },
              "403": {
                "$ref": "#/components/responses/Forbidden"
              },
              "408": {
                "$ref": "#/components/responses/Timeout"
              },
              "500": {
                "$ref": "#/components/responses/Internal"
              },
              "503": {
                "$ref": "#/components/responses/Unavailable"
              },
              "404": {
                "$ref": "#/components/responses/NotFound"
              },
              "409": {
                "$ref": "#/components/responses/Conflict"
              }
            }
          }
        },
        "/api/v1/openapi.json": {
          "get": {
            "operationId": "openapi",
            "summary": "This document",
            "tags": [
              "service"
            ],
            "parameters": [
              {
                "$ref": "#/components/parameters/RequestID"
              }
            ],
            "security": [],
            "responses": {
              "200": {
                "description": "OpenAPI 3.1.",
                "headers": {
                  "X-Request-ID": {
                    "$ref": "#/components/headers/RequestID"
                  }
                },
                "content": {
                  "application/json": {
                    "schema": {
                      "type": "object"
                    }
                  }
                }
              },
              "400": {
                "$ref": "#/components/responses/Invalid"
              },
              "500": {
                "$ref": "#/components/responses/Internal"
              }
            }
          }
        },
        "/healthz": {
          "get": {
            "operationId": "health",
            "summary": "Whether the gateway runs",
            "tags": [
              "service"
            ],
            "parameters": [
              {
                "$ref": "#/components/parameters/RequestID"
              }
            ],
            "security": [],
            "responses": {
              "200": {
                "description": "It does.",
                "headers": {
                  "X-Request-ID": {
                    "$ref": "#/components/headers/RequestID"
                  }
                },
                "content": {
                  "application/json": {
                    "schema": {
                      "$ref": "#/components/schemas/Status"
                    }
                  }
                }
              },
              "400": {
                "$ref": "#/components/responses/Invalid"
              },
              "500": {
                "$ref": "#/components/responses/Internal"
              }
            }
          }
        },
        "/readyz": {
          "get": {
            "operationId": "readiness",
            "summary": "Whether the daemon answers",
            "tags": [
              "service"
            ],
            "parameters": [
              {
                "$ref": "#/components/parameters/RequestID"
              }
            ],
            "security": [],
            "responses": {
              "200": {
                "description": "It does.",
                "headers": {
                  "X-Request-ID": {
                    "$ref": "#/components/headers/RequestID"
                  }
                },
                "content": {
                  "application/json": {
                    "schema": {
                      "$ref": "#/components/schemas/Status"
                    }
                  }
                }
              },
              "400": {
                "$ref": "#/components/responses/Invalid"
              },
              "500": {
                "$ref": "#/components/responses/Internal"
              },
              "503": {
                "$ref": "#/components/responses/Unavailable"
              }
            }
          }
        },
        "/metrics": {
          "get": {
            "operationId": "metrics",
            "summary": "Metrics of gateway and daemon for Prometheus",
            "tags": [
              "service"
            ],
            "parameters": [
              {
                "$ref": "#/components/parameters/RequestID"
              }
            ],
            "responses": {
              "200": {
                "description": "Prometheus' text format.",
                "headers": {
                  "X-Request-ID": {
                    "$ref": "#/components/headers/RequestID"
                  }
                },
                "content": {
                  "text/plain": {
                    "schema": {
                      "type": "string"
                    }
                  }
                }
              },
              "400": {
                "$ref": "#/components/responses/Invalid"
              },
              "401": {
                "$ref": "#/components/responses/Unauthorized"
              },
              "403": {
                "$ref": "#/components/responses/Forbidden"
              },
              "500": {
                "$ref": "#/components/responses/Internal"
              },
              "503": {
                "$ref": "#/components/responses/Unavailable"
              }
            }
          }
        }
      },
      "components": {
        "securitySchemes": {
          "bearer": {
            "type": "http",
            "scheme": "bearer",
            "description": "Needed on TCP, unless the gateway allows anonymous callers over loopback."
          }
        },
        "parameters": {
          "Tenant": {
            "name": "X-Tenant-ID",
            "in": "header",
            "description": "The tenant that the request counts for. May be left out by callers of one tenant.",
            "schema": {
              "type": "string",
              "pattern": "^[A-Za-z0-9._-]{1,128}$"
            },
            "example": "acme-corp"
          },
          "RequestID": {
            "name": "X-Request-ID",
            "in": "header",
            "description": "Comes back in the answer and stands in the log; one that is not 1 to 128 of printable ASCII is replaced by a new one.",
            "schema": {
              "type": "string"
            }
          },
          "IdempotencyKey": {
            "name": "X-Idempotency-Key",
            "in": "header",
            "description": "An upload that is sent again under its key is the same upload: nothing is stored twice.",
            "schema": {
              "type": "string",
              "pattern": "^[!-~]{1,128}$"
            }
          },
          "Limit": {
            "name": "limit",
            "in": "query",
            "description": "The most items.",
            "schema": {
              "type": "integer",
              "minimum": 1,
              "maximum": 1000,
              "default": 100
            }
          },
          "Offset": {
            "name": "offset",
            "in": "query",
            "description": "How many items to skip.",
            "schema": {
              "type": "integer",
              "minimum": 0,
              "maximum": 9223372036854775807,
              "default": 0
            }
          },
          "ExperimentID": {
            "name": "id",
            "in": "path",
            "required": true,
            "schema": {
              "type": "string",
              "pattern": "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
            }
          },
          "RunID": {
            "name": "run_id",
            "in": "path",
            "required": true,
            "schema": {
              "type": "string",
              "pattern": "^[A-Za-z0-9_-]{1,64}$"
            }
          }
        },
        "headers": {
          "RequestID": {
            "description": "The request's id: the client's own, or a new one.",
            "required": true,
            "schema": {
              "type": "string"
            }
          },
          "RetryAfter": {
            "description": "When to try again, in seconds.",
            "required": true,
            "schema": {
              "type": "integer",
              "minimum": 1
            }
          },
          "JobID": {
            "description": "The daemon's job that stores the artifact.",
            "required": true,
            "schema": {
              "type": "string"
            }
          },
          "ArtifactURI": {
            "description": "Where in the store the artifact lies, or will; percent-encoded.",
            "required": true,
            "schema": {
              "type": "string"
            }
          },
          "Location": {
            "description": "The path of what was made.",
            "required": true,
            "schema": {
              "type": "string"
            }
          },
          "Replay": {
            "description": "true where this is an earlier upload of the same X-Idempotency-Key.",
            "schema": {
              "const": "true"
            }
          },
          "ETag": {
            "description": "Weak where the artifact is decoded on the way.",
            "schema": {
              "type": "string"
            }
          },
          "ContentRange": {
            "description": "Which bytes.",
            "schema": {
              "type": "string"
            }
          },
          "Disposition": {
            "description": "An attachment, with the artifact's name.",
            "schema": {
              "type": "string"
            }
          },
          "AcceptRanges": {
            "description": "Whether parts can be had.",
            "schema": {
              "type": "string",
              "enum": [
                "bytes",
                "none"
              ]
            }
          },
          "Vary": {
            "description": "The answer depends on Accept-Encoding.",
            "schema": {
              "type": "string",
              "const": "Accept-Encoding"
            }
          },
          "ContentEncoding": {
            "description": "How the body is encoded; absent where it is not.",
            "schema": {
              "type": "string",
              "enum": [
                "gzip",
                "zstd"
              ]
            }
          }
        },
        "responses": {
          "Invalid": {
            "description": "VALIDATION_FAILED: the request is not as it should be; the message says what to change.",
            "headers": {
              "X-Request-ID": {
                "$ref": "#/components/headers/RequestID"
              }
            },
            "content": {
              "application/json": {
                "schema": {
                  "$ref": "#/components/schemas/Error"
                }
              }
            }
          },
          "Unauthorized": {
            "description": "UNAUTHORIZED: no token, or one that is not valid.",
            "headers": {
              "X-Request-ID": {
                "$ref": "#/components/headers/RequestID"
              }
            },
            "content": {
              "application/json": {
                "schema": {
                  "$ref": "#/components/schemas/Error"
                }
              }
            }
          },
          "Forbidden": {
            "description": "FORBIDDEN: the caller may not act for this tenant. TENANT_MISMATCH: the experiment or run is another tenant's.",
            "headers": {
              "X-Request-ID": {
                "$ref": "#/components/headers/RequestID"
              }
            },
            "content": {
              "application/json": {
                "schema": {
                  "$ref": "#/components/schemas/Error"
                }
              }
            }
          },
          "NotFound": {
            "description": "RESOURCE_NOT_FOUND: there is none.",
            "headers": {
              "X-Request-ID": {
                "$ref": "#/components/headers/RequestID"
              }
            },
            "content": {
              "application/json": {
                "schema": {
                  "$ref": "#/components/schemas/Error"
                }
              }
            }
          },
          "Timeout": {
            "description": "REQUEST_TIMEOUT: the body did not go on.",
            "headers": {
              "X-Request-ID": {
                "$ref": "#/components/headers/RequestID"
              }
            },
            "content": {
              "application/json": {
                "schema": {
                  "$ref": "#/components/schemas/Error"
                }
              }
            }
          },
          "Conflict": {
            "description": "CONFLICT: it exists, but in a state that does not allow this; or the store refuses the artifact for good, and the same again would be refused again.",
            "headers": {
              "X-Request-ID": {
                "$ref": "#/components/headers/RequestID"
              }
            },
            "content": {
              "application/json": {
                "schema": {
                  "$ref": "#/components/schemas/Error"
                }
              }
            }
          },
          "NotAcceptable": {
            "description": "NOT_ACCEPTABLE: Accept-Encoding excludes every form in which the artifact can be had.",
            "headers": {
              "X-Request-ID": {
                "$ref": "#/components/headers/RequestID"
              },
              "Vary": {
                "$ref": "#/components/headers/Vary"
              }
            },
            "content": {
              "application/json": {
                "schema": {
                  "$ref": "#/components/schemas/Error"
                }
              }
            }
          },
          "TooLarge": {
            "description": "PAYLOAD_TOO_LARGE: the body is larger than allowed.",
            "headers": {
              "X-Request-ID": {
                "$ref": "#/components/headers/RequestID"
              }
            },
            "content": {
              "application/json": {
                "schema": {
                  "$ref": "#/components/schemas/Error"
                }
              }
            }
          },
          "RangeNotSatisfiable": {
            "description": "RANGE_NOT_SATISFIABLE: the artifact has no such bytes.",
            "headers": {
              "X-Request-ID": {
                "$ref": "#/components/headers/RequestID"
              }
            },
            "content": {
              "application/json": {
                "schema": {
                  "$ref": "#/components/schemas/Error"
                }
              }
            }
          },
          "RateLimited": {
            "description": "RATE_LIMITED: too many of these are under way; try again after Retry-After.",
            "headers": {
              "X-Request-ID": {
                "$ref": "#/components/headers/RequestID"
              },
              "Retry-After": {
                "$ref": "#/components/headers/RetryAfter"
              }
            },
            "content": {
              "application/json": {
                "schema": {
                  "$ref": "#/components/schemas/Error"
                }
              }
            }
          },
          "Internal": {
            "description": "INTERNAL_ERROR: a fault of artifactd itself.",
            "headers": {
              "X-Request-ID": {
                "$ref": "#/components/headers/RequestID"
              }
            },
            "content": {
              "application/json": {
                "schema": {
                  "$ref": "#/components/schemas/Error"
                }
              }
            }
          },
          "Unavailable": {
            "description": "SERVICE_UNAVAILABLE: the daemon or its store cannot do it now; try again after Retry-After. Of an upload nothing is known to be kept.",
            "headers": {
              "X-Request-ID": {
                "$ref": "#/components/headers/RequestID"
              },
              "Retry-After": {
                "$ref": "#/components/headers/RetryAfter"
              }
            },
            "content": {
              "application/json": {
                "schema": {
                  "$ref": "#/components/schemas/Error"
                }
              }
            }
          }
        },
        "schemas": {
          "Experiment": {
            "type": "object",
            "properties": {
              "id": {
                "type": "string",
                "pattern": "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
              },
              "tenant_id": {
                "type": "string"
              },
              "name": {
                "type": "string"
              },
              "description": {
                "type": "string"
              },
              "tags": {
                "type": "object",
                "additionalProperties": {
                  "type": "string"
                }
              },
              "artifact_location": {
                "type": "string",
                "description": "The URI below which its runs lie."
              },
              "lifecycle_stage": {
                "type": "string",
                "enum": [
                  "active",
                  "deleted"
                ]
              },
              "created_at": {
                "type": "integer",
                "format": "int64",
                "description": "Unix time in milliseconds."
              },
              "last_updated": {
                "type": "integer",
                "format": "int64",
                "description": "Unix time in milliseconds."
              },
              "provisional": {
                "type": "boolean",
                "description": "The store has not confirmed artifact_location yet."
              }
            },
            "required": [
              "id",
              "tenant_id",
              "name",
              "description",
              "tags",
              "artifact_location",
              "lifecycle_stage",
              "created_at",
              "last_updated",
              "provisional"
            ]
          },
          "Experiments": {
            "type": "object",
            "properties": {
              "experiments": {
                "type": "array",
                "items": {
                  "$ref": "#/components/schemas/Experiment"
                }
              },
              "total": {
                "type": "integer",
                "minimum": 0,
                "description": "Without limit and offset."
              },
              "limit": {
                "type": "integer"
              },
              "offset": {
                "type": "integer"
              }
            },
            "required": [
              "experiments",
              "total",
              "limit",
              "offset"
            ]
          },
          "NewExperiment": {
            "type": "object",
            "properties": {
              "name": {
                "type": "string",
                "minLength": 1,
                "maxLength": 255,
                "pattern": "^[^\\u0000-\\u001f\\u007f-\\u009f]*$",
                "description": "Never changes; its tenant has no other of that name."
              },
              "description": {
                "type": "string",
                "maxLength": 1000
              },
              "tags": {
                "type": "object",
                "maxProperties": 100,
                "propertyNames": {
                  "minLength": 1,
                  "maxLength": 250,
                  "pattern": "^[^\\u0000-\\u001f\\u007f-\\u009f]*$"
                },
                "additionalProperties": {
                  "type": "string",
                  "maxLength": 5000
                }
              },
              "artifact_location": {
                "type": "string",
                "minLength": 1,
                "description": "A URI within the store or the allowed destinations; by default {store}/experiments/{id}."
              }
            },
            "required": [
              "name"
            ],
            "additionalProperties": false
          },
          "ExperimentChanges": {
            "type": "object",
            "properties": {
              "description": {
                "type": "string",
                "maxLength": 1000
              },
              "tags": {
                "type": "object",
                "maxProperties": 100,
                "propertyNames": {
                  "minLength": 1,
                  "maxLength": 250,
                  "pattern": "^[^\\u0000-\\u001f\\u007f-\\u009f]*$"
                },
                "additionalProperties": {
                  "type": [
                    "string",
                    "null"
                  ],
                  "maxLength": 5000
                },
                "description": "Are set; null removes one; others stay."
              },
              "name": {
                "type": "string",
                "description": "Cannot change: another name than it has is a conflict."
              }
            },
            "required": [],
            "additionalProperties": false
          },
          "Run": {
            "type": "object",
            "properties": {
              "run_id": {
                "type": "string",
                "pattern": "^[A-Za-z0-9_-]{1,64}$"
              },
              "experiment_id": {
                "type": "string",
                "pattern": "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
              },
              "tenant_id": {
                "type": "string"
              },
              "name": {
                "type": "string"
              },
              "description": {
                "type": "string"
              },
              "tags": {
                "type": "object",
                "additionalProperties": {
                  "type": "string"
                }
              },
              "status": {
                "type": "string",
                "enum": [
                  "running",
                  "finished",
                  "failed",
                  "killed"
                ]
              },
              "started_at": {
                "type": "integer",
                "format": "int64",
                "description": "Unix time in milliseconds."
              },
              "ended_at": {
                "type": [
                  "integer",
                  "null"
                ],
                "format": "int64",
                "description": "Unix time in milliseconds."
              },
              "artifact_uri": {
                "type": "string",
                "description": "Where its artifacts lie."
              },
              "provisional": {
                "type": "boolean",
                "description": "The store has not confirmed artifact_uri yet."
              }
            },
            "required": [
              "run_id",
              "experiment_id",
              "tenant_id",
              "name",
              "description",
              "tags",
              "status",
              "started_at",
              "ended_at",
              "artifact_uri",
              "provisional"
            ]
          },
          "Runs": {
            "type": "object",
            "properties": {
              "runs": {
                "type": "array",
                "items": {
                  "$ref": "#/components/schemas/Run"
                }
              },
              "total": {
                "type": "integer",
                "minimum": 0,
                "description": "Without limit and offset."
              },
              "limit": {
                "type": "integer"
              },
              "offset": {
                "type": "integer"
              }
            },
            "required": [
              "runs",
              "total",
              "limit",
              "offset"
            ]
          },
          "NewRun": {
            "type": "object",
            "properties": {
              "experiment_id": {
                "type": "string",
                "pattern": "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
              },
              "experiment_name": {
                "type": "string",
                "minLength": 1,
                "maxLength": 255,
                "pattern": "^[^\\u0000-\\u001f\\u007f-\\u009f]*$",
                "description": "Made where there is none."
              },
              "run_id": {
                "type": "string",
                "pattern": "^[A-Za-z0-9_-]{1,64}$",
                "description": "Chosen by the client, so that the request can be sent again; unique in the store."
              },
              "name": {
                "type": "string",
                "maxLength": 255
              },
              "description": {
                "type": "string",
                "maxLength": 1000
              },
              "tags": {
                "type": "object",
                "maxProperties": 100,
                "propertyNames": {
                  "minLength": 1,
                  "maxLength": 250,
                  "pattern": "^[^\\u0000-\\u001f\\u007f-\\u009f]*$"
                },
                "additionalProperties": {
                  "type": "string",
                  "maxLength": 5000
                }
              }
            },
            "required": [],
            "additionalProperties": false,
            "oneOf": [
              {
                "required": [
                  "experiment_id"
                ]
              },
              {
                "required": [
                  "experiment_name"
                ]
              }
            ]
          },
          "RunEnd": {
            "type": "object",
            "properties": {
              "status": {
                "type": "string",
                "enum": [
                  "finished",
                  "failed",
                  "killed"
                ],
                "default": "finished"
              }
            },
            "required": [],
            "additionalProperties": false
          },
          "Artifact": {
            "type": "object",
            "properties": {
              "path": {
                "type": "string",
                "description": "Relative to the run."
              },
              "uri": {
                "type": "string"
              },
              "size": {
                "type": [
                  "integer",
                  "null"
                ],
                "description": "In bytes, decoded; null where it is not known."
              },
              "kind": {
                "type": "string",
                "enum": [
                  "model",
                  "onnx",
                  "configuration",
                  "plot",
                  "data",
                  "report",
                  "other"
                ]
              },
              "content_type": {
                "type": "string"
              },
              "state": {
                "type": "string",
                "enum": [
                  "accepted",
                  "uploading",
                  "stored",
                  "failed",
                  "cancelled"
                ]
              },
              "checksum": {
                "type": [
                  "string",
                  "null"
                ],
                "description": "Of the bytes, decoded: crc32c: and base64."
              },
              "encoding": {
                "type": [
                  "string",
                  "null"
                ],
                "enum": [
                  "identity",
                  "gzip",
                  "zstd",
                  null
                ]
              },
              "stored_size": {
                "type": [
                  "integer",
                  "null"
                ]
              },
              "etag": {
                "type": [
                  "string",
                  "null"
                ]
              },
              "updated_at": {
                "type": "integer",
                "format": "int64",
                "description": "Unix time in milliseconds."
              },
              "job_id": {
                "type": [
                  "string",
                  "null"
                ]
              },
              "error": {
                "type": [
                  "object",
                  "null"
                ],
                "properties": {
                  "code": {
                    "type": "string"
                  },
                  "message": {
                    "type": "string"
                  }
                },
                "required": [
                  "code",
                  "message"
                ],
                "description": "Why it failed, or what it waits for."
              }
            },
            "required": [
              "path",
              "uri",
              "size",
              "kind",
              "content_type",
              "state",
              "checksum",
              "encoding",
              "stored_size",
              "etag",
              "updated_at",
              "job_id",
              "error"
            ]
          },
          "Artifacts": {
            "type": "object",
            "properties": {
              "run_id": {
                "type": "string",
                "pattern": "^[A-Za-z0-9_-]{1,64}$"
              },
              "artifacts": {
                "type": "array",
                "items": {
                  "$ref": "#/components/schemas/Artifact"
                }
              },
              "next": {
                "type": [
                  "string",
                  "null"
                ],
                "description": "What to pass as 'after' for the next page; null on the last."
              },
              "incomplete": {
                "type": [
                  "object",
                  "null"
                ],
                "properties": {
                  "code": {
                    "type": "string"
                  },
                  "message": {
                    "type": "string"
                  }
                },
                "required": [
                  "code",
                  "message"
                ],
                "description": "Why artifacts that other nodes stored may be missing."
              }
            },
            "required": [
              "run_id",
              "artifacts",
              "next",
              "incomplete"
            ]
          },
          "UploadForm": {
            "type": "object",
            "properties": {
              "file": {
                "type": "string",
                "contentMediaType": "application/octet-stream",
                "description": "The artifact, with its file name. Of directories in the name nothing is believed."
              },
              "artifact_path": {
                "type": "string",
                "maxLength": 1024,
                "description": "The directory in the run that the file goes to: with 'models/', or 'models', model.pkl becomes models/model.pkl."
              }
            },
            "required": [
              "file"
            ],
            "additionalProperties": false
          },
          "Logged": {
            "type": "object",
            "properties": {
              "message": {
                "type": "string"
              },
              "run_id": {
                "type": "string",
                "pattern": "^[A-Za-z0-9_-]{1,64}$"
              },
              "artifact": {
                "type": "string",
                "description": "The artifact's path in the run."
              }
            },
            "required": [
              "message",
              "run_id",
              "artifact"
            ]
          },
          "Status": {
            "type": "object",
            "properties": {
              "status": {
                "type": "string"
              }
            },
            "required": [
              "status"
            ]
          },
          "Error": {
            "type": "object",
            "properties": {
              "success": {
                "const": false
              },
              "error": {
                "type": "object",
                "properties": {
                  "code": {
                    "type": "string",
                    "enum": [
                      "VALIDATION_FAILED",
                      "UNAUTHORIZED",
                      "FORBIDDEN",
                      "TENANT_MISMATCH",
                      "RESOURCE_NOT_FOUND",
                      "METHOD_NOT_ALLOWED",
                      "NOT_ACCEPTABLE",
                      "REQUEST_TIMEOUT",
                      "CONFLICT",
                      "PAYLOAD_TOO_LARGE",
                      "HEADER_TOO_LARGE",
                      "RANGE_NOT_SATISFIABLE",
                      "RATE_LIMITED",
                      "INTERNAL_ERROR",
                      "SERVICE_UNAVAILABLE"
                    ]
                  },
                  "category": {
                    "type": "string",
                    "enum": [
                      "VALIDATION",
                      "AUTHENTICATION",
                      "AUTHORIZATION",
                      "NOT_FOUND",
                      "CONFLICT",
                      "RATE_LIMIT",
                      "AVAILABILITY",
                      "INTERNAL"
                    ]
                  },
                  "message": {
                    "type": "string",
                    "description": "One sentence for a person, with the way out."
                  },
                  "details": {
                    "type": "object",
                    "properties": {
                      "reason": {
                        "type": "string",
                        "description": "The daemon's own code (section 13 of the specification)."
                      },
                      "cause": {
                        "type": "string"
                      },
                      "job_id": {
                        "type": "string"
                      }
                    }
                  }
                },
                "required": [
                  "code",
                  "category",
                  "message",
                  "details"
                ]
              },
              "metadata": {
                "type": "object",
                "properties": {
                  "timestamp": {
                    "type": "string",
                    "format": "date-time"
                  },
                  "requestId": {
                    "type": "string"
                  },
                  "version": {
                    "type": "string"
                  }
                },
                "required": [
                  "timestamp",
                  "requestId",
                  "version"
                ]
              }
            },
            "required": [
              "success",
              "error",
              "metadata"
            ]
          }
        }
      }
    }

    """##
