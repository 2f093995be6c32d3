// cicd on Jenkins, a multibranch pipeline: a plan on each pull request, an apply on each push, a look for drift at night.
//
// Plugins: Pipeline, Credentials Binding, Docker Pipeline, Lockable Resources.
// Credentials, kind "secret text", of the folder: cicd-@SLUG_DASH@forge, a token that may comment, and for each stage
@FOR SECRET@
//   cicd-@SLUG_DASH@STAGE-plan-@ID@ (may only read), cicd-@SLUG_DASH@STAGE-@ID@
@END SECRET@
@FOR SETTING@
// Environment of the folder: @NAME@
@END SETTING@
// What stage files name under notify and lifecycle (NOTIFY_URL, JIRA_TOKEN) is one more line in withLogin.
def stageOf = [@STAGE_MAP@][env.CHANGE_TARGET ?: env.BRANCH_NAME]
def isAsked = '@ASKED_STAGE@' == stageOf // who has to say yes before it is applied: see the stage "approve"

def withLogin(String scope, Closure body) {
  withCredentials([
    string(credentialsId: 'cicd-@SLUG_DASH@forge', variable: 'FORGE_TOKEN'),
@FOR SECRET@
    string(credentialsId: "cicd-@SLUG_DASH@${scope}-@ID@", variable: '@NAME@'),
@END SECRET@
  ], body)
}

pipeline {
  agent none
  options {
    disableConcurrentBuilds()
    timeout(time: 8, unit: 'HOURS')
    skipDefaultCheckout()
  }
  triggers { cron(stageOf != null && !env.CHANGE_ID ? 'H 3 * * *' : '') }
  environment { CICD_FOLDER = '@FOLDER_GROOVY@' }
  stages {
    stage('plan') {
      when { beforeAgent true; expression { stageOf != null } }
      agent { docker { image 'python:3.13'; args '--entrypoint="" -e HOME=/tmp' } }
      environment {
        STAGE = "${stageOf}"
        DRIFT = "${!currentBuild.getBuildCauses('hudson.triggers.TimerTrigger$TimerTriggerCause').isEmpty()}"
      }
      steps {
        checkout scm
        // single quotes: the shell reads names and secrets, Groovy never does
        sh '''#!/usr/bin/env bash
          set -euo pipefail
          python3 -m venv /tmp/cicd
          /tmp/cicd/bin/pip install --quiet "${CICD_INSTALL:-aicore-cicd@EXTRA@==@VERSION@}"
          rm -rf cicd-out && mkdir cicd-out
        '''
        script {
          withLogin("${stageOf}-plan") {
            sh '''#!/usr/bin/env bash
              set -euo pipefail
              export PATH="/tmp/cicd/bin:$PATH" CICD_GITLAB_TOKEN="$FORGE_TOKEN" GITHUB_TOKEN="$FORGE_TOKEN"
              plan="$PWD/cicd-out/plan.json" code=0 valid=0 drift=
              cd "$CICD_FOLDER"
              cicd validate --all || valid=$?
              if [ "${DRIFT:-}" = true ]; then drift=yes; fi
              cicd plan "$STAGE" ${drift:+--drift} --out "$plan" || code=$?
              # what is not valid is told in the comment too
              if [ -e "$plan" ] && [ -n "${CHANGE_ID:-}" ]; then cicd comment "$plan"; fi
              if [ -e "$plan" ] && [ -n "$drift" ]; then cicd comment --drift-issue "$plan"; fi
              # where only that may be applied which a pull request has shown
              if [ "$code,$drift,${CHANGE_ID:-},${CICD_REQUIRE_REVIEWED_PLAN:-}" = 0,,,true ]; then cicd comment --require-reviewed "$plan"; fi
              if [ "$code" = 0 ]; then exit "$valid"; fi
              exit "$code"
            '''
          }
        }
        stash name: 'plan', includes: 'cicd-out/plan.json'
      }
      post { always { archiveArtifacts artifacts: 'cicd-out/plan.json', allowEmptyArchive: true } }
    }
    stage('approve') {
      when { beforeInput true; expression { isAsked }; not { changeRequest() }; not { triggeredBy 'TimerTrigger' } }
      input { message 'Apply the plan?'; submitterParameter 'APPROVER' } // submitter: who may say yes
      steps { echo 'approved' }
    }
    stage('apply') {
      when { beforeAgent true; expression { stageOf != null }; not { changeRequest() }; not { triggeredBy 'TimerTrigger' } }
      agent { docker { image 'python:3.13'; args '--entrypoint="" -e HOME=/tmp' } }
      environment { STAGE = "${stageOf}" }
      options { lock(resource: "cicd-@SLUG_DASH@${stageOf}") }
      steps {
        checkout scm
        sh 'rm -rf cicd-out'
        unstash 'plan'
        sh '''#!/usr/bin/env bash
          set -euo pipefail
          python3 -m venv /tmp/cicd
          /tmp/cicd/bin/pip install --quiet "${CICD_INSTALL:-aicore-cicd@EXTRA@==@VERSION@}"
        '''
        script {
          withLogin("${stageOf}") {
            sh '''#!/usr/bin/env bash
              set -euo pipefail
              export PATH="/tmp/cicd/bin:$PATH" CICD_GITLAB_TOKEN="$FORGE_TOKEN" GITHUB_TOKEN="$FORGE_TOKEN"
              out="$PWD/cicd-out"
              cd "$CICD_FOLDER"
              # just the plan that was shown, or nothing where anything has moved since
              cicd apply "$STAGE" --plan "$out/plan.json" --summary "$out/report.json"
            '''
          }
        }
      }
      post { always { archiveArtifacts artifacts: 'cicd-out/report.json', allowEmptyArchive: true } }
    }
  }
}
